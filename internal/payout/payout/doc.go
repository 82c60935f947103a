// Package payout is what approved instalments become on their way to Bitcoin: batches,
// attempts, their states, what the store keeps of them, and the words about money. What is
// done with them lies beside it: plan says what to build, treasurer is what people do,
// conductor takes batches on, follower learns from the chain what came of them, recovery
// reads the signers' journals.
//
// Rules about money:
//   - Intent is stored before the act, the act's result before the next act. The
//     PSBT and its txid are committed before a signer is asked; the signed bytes
//     before a node is told. Every input is segwit, so the txid is known early.
//   - From the moment a signer may have been asked, only the chain says what
//     happened. No time-out, error text, empty mempool or person makes a payment
//     payable again. An unknown outcome keeps its state and is told again.
//   - Every attempt of a batch spends the batch's anchor and all that its first
//     attempt spends, so a chain can hold at most one of them. A bump pays the same
//     people; a void pays nobody.
//   - Whatever goes out can be taken back: every attempt leaves room below its highest
//     fee for a void. One person's request to take a batch back changes nothing about
//     it; two people's does.
//   - Rule R is the one way back to payable: every transaction that could pay it is
//     dead, one of its coins spent, as deep as final, by a transaction that does not
//     pay it. The follower finds that, a trigger of the database and the signer, with
//     a proof from headers, ask for it again.
//   - What was approved is what is built: the digest covers network, policy,
//     payees and the most the fee may be, and is held against the final bytes.
//   - Paid means: the attempt's own txid is in a block of our header chain, deep
//     enough. Nothing is matched by address or amount.
//
// Invariants:
//   - An instalment has at most one live batch; an outpoint at most one live
//     reservation; an attempt is never changed or deleted.
//   - What a signer's journal names is ours, whatever a restored database lacks: it is
//     never a foreign spend, and its payments count as paid. Nobody whose approval was
//     lost is paid again before a treasurer has said whether it is the same payment.
//   - A surprise (a spend that is not ours, a reorg below what was final, books
//     that differ from the chain) trips the breaker of its code, and nothing is
//     signed until two people have reset it. They accept what was found as it
//     stands; another figure trips again.
//   - A batch changes by the verbs of Locked alone, under its row lock. A verb that the
//     batch's state does not allow is refused and changes nothing; one that is about an
//     attempt names it. What runs under a lock holds all that it depends on, and has no
//     context with which to call a store.
//   - A composed batch that nobody approves for ForgottenAfter is cancelled.
//   - A batch leaves two coins that could carry another batch where the amounts
//     allow, and takes the fewest that pay while other batches wait for coins.
//   - At every tip the ledger's available + committed + in_flight equals the sum
//     of the treasury's confirmed coins.
//   - Whether money moved is said by MoneyWords alone, from the batch's state; an error
//     says what went wrong. A test walks every code through every state.
package payout
