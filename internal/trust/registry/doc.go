// Package registry keeps the charters of a fund as its server knows them: those that were
// taken in, and drafts with the signatures that trustees handed in so far. A draft is taken
// in as soon as it has the signatures that package authority asks for.
//
// The server is a courier here. It can withhold a charter and cannot make one: signers and
// causewayctl judge the same text and signatures themselves.
//
// Invariants:
//   - The first charter comes from the fund's own host; no page and no call brings one in.
//   - What is stored is judged again whenever it is read. A charter that somebody wrote into
//     the database without its signatures is left out and shown as refused.
//   - A signature that does not hold, or that belongs to no trustee who is asked, is not kept.
//   - Sessions and tokens hand a draft or a signature in, and give neither any weight.
package registry
