package chainaudit

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

const (
	// leastVotes is the smallest quorum that a fund can have.
	leastVotes = 2
	// clockSlack is how far the clocks of a fund and a signer may be apart.
	clockSlack = 10 * time.Minute
)

// approvals holds whatever was released, and can be in a block or get into one,
// against what the audit log says people approved.
//
// A log is the fund's own word, so this finds what was paid past the log, and not
// what somebody wrote into it who holds the fund's database and its log's key.
func (j *judge) approvals() {
	if j.acts == nil {
		return
	}
	j.report.Approvals = &Approvals{Logs: j.acts.read}
	sum := j.report.Approvals
	for _, r := range j.records {
		confirmed := j.onChain[r.txid] != nil
		if !confirmed && j.state(r) == Dead {
			continue
		}
		batch := j.batchApproved(r)
		if r.kind != KindPay && confirmed {
			sum.Others++
			if batch {
				sum.OthersApproved++
			}
		}
		for _, id := range slices.SortedFunc(maps.Keys(r.payments), Instalment.compare) {
			grant := j.grantApproved(r, id)
			if confirmed {
				sum.Payments++
				if batch && grant {
					sum.Approved++
				}
			}
		}
	}
}

// batchApproved reports whether r's batch, or its void, has a good leaf.
func (j *judge) batchApproved(r *record) bool {
	n := need{action: approvedBatch, object: r.batch, digest: r.batchNote, what: fmt.Sprintf("Batch %d", r.number)}
	if r.kind == KindVoid {
		n.action, n.digest, n.what = approvedVoid, r.voidNote, fmt.Sprintf("Taking back batch %d", r.number)
	}
	return j.met(r, n, "")
}

// grantApproved reports whether the decision of which r pays a period has a good leaf and
// the votes.
func (j *judge) grantApproved(r *record, id Instalment) bool {
	digest := r.payments[id].note
	n := need{action: approvedGrant, digest: digest, what: "Decision " + id.Decision}
	if !j.met(r, n, id.Decision) {
		return false
	}
	voters := map[string]bool{}
	for _, v := range j.acts.byDigest[votedFor+" "+digest] {
		if v.byPerson() {
			voters[v.Actor] = true
		}
	}
	if len(voters) >= leastVotes {
		return true
	}
	j.approvalAlarm(
		r,
		id.Decision,
		VotesMissing,
		fmt.Sprintf(
			"Decision %s was paid with %d votes for it in the audit log; a fund needs at least %d people.",
			id.Decision,
			len(voters),
			leastVotes,
		),
	)
	return false
}

// need is a leaf that a transaction must have.
type need struct {
	action string
	object string // "" where the journal does not name it
	digest string
	what   string // begins a sentence
}

// met reports whether one of the leaves for n is good, and says which rule the
// first one breaks otherwise.
func (j *judge) met(r *record, n need, decision string) bool {
	code, why := "", ""
	for _, a := range j.acts.byDigest[n.action+" "+n.digest] {
		if n.object != "" && a.Object != n.object {
			continue
		}
		c, w := j.flaw(r, n, a)
		if c == "" {
			return true
		}
		if code == "" {
			code, why = c, w
		}
	}
	if code == "" {
		code, why = j.absent(r, n)
	}
	j.approvalAlarm(r, decision, code, fmt.Sprintf("%s was released by %s, and %s.", n.what, r.txid, why))
	return false
}

// flaw says what is wrong with a leaf of the right digest and object, or "".
func (j *judge) flaw(r *record, n need, a act) (code, why string) {
	released := time.Unix(r.time, 0).UTC()
	begun, late := a.log.begun[r.batch]
	late = late && a.Seq > begun && n.action != approvedVoid
	switch {
	case !a.byPerson():
		return ApprovalActor, fmt.Sprintf("%s says %s by %s, who is not on the staff", a.where(), n.action, a.Actor)
	case late:
		return ApprovalLate, fmt.Sprintf(
			"%s says %s only after row %d, where the batch was with a signer",
			a.where(),
			n.action,
			begun,
		)
	case a.at.After(released.Add(clockSlack)):
		return ApprovalLate, fmt.Sprintf("%s says %s at %s; the journal says that it was released at %s",
			a.where(), n.action, a.at.UTC().Format(time.RFC3339), released.Format(time.RFC3339))
	case n.action == approvedBatch && j.voted(r, a.Actor):
		return ApprovalActor, fmt.Sprintf(
			"%s says %s by %s, who voted on one of its payments",
			a.where(),
			n.action,
			a.Actor,
		)
	}
	return "", ""
}

// voted reports whether actor voted on an application that r pays.
func (j *judge) voted(r *record, actor string) bool {
	for _, o := range r.payments {
		for _, a := range j.acts.byDigest[approvedGrant+" "+o.note] {
			for _, action := range []string{votedFor, votedAgainst} {
				if slices.ContainsFunc(
					j.acts.byObject[action+" "+a.Object],
					func(v act) bool { return v.Actor == actor },
				) {
					return true
				}
			}
		}
	}
	return false
}

// absent says why there is no leaf for n.
func (j *judge) absent(r *record, n need) (code, why string) {
	for _, a := range j.acts.byObject[recoveredBatch+" "+r.batch] {
		if a.Digest == r.batchNote {
			return ApprovalLost, fmt.Sprintf(
				"no %s leaf names its digest: %s says that the batch was rebuilt from a signer's journal, so that the approval "+
					"was lost with the restored database, or never was",
				n.action,
				a.where(),
			)
		}
	}
	for _, a := range j.acts.byObject[n.action+" "+n.object] {
		if n.object != "" {
			return ApprovalDiffers, fmt.Sprintf(
				"no %s leaf names its digest: %s approves another one, %s",
				n.action,
				a.where(),
				a.Digest,
			)
		}
	}
	for _, a := range j.acts.byDigest[n.action+" "+n.digest] {
		return ApprovalDiffers, fmt.Sprintf("%s approves this digest for another batch, %s", a.where(), a.Object)
	}
	return ApprovalMissing, "no " + n.action + " leaf of the audit log names its digest"
}

// approvalAlarm tells a flaw once for each batch or decision. What the reader said
// was lost with a restored database is a note.
func (j *judge) approvalAlarm(r *record, decision, code, text string) {
	key := code + " " + r.batch + " " + r.kind + " " + decision
	if j.told[key] {
		return
	}
	j.told[key] = true
	f := r.finding()
	f.Code, f.Decision = code, decision
	if t := j.onChain[r.txid]; t != nil {
		f.Height = t.height
	}
	if code == ApprovalLost && slices.Contains(j.acceptLost, r.number) {
		j.report.Approvals.Accepted++
		f.Code = LostAccepted
		j.report.note(f, "%s You accepted that for batch %d.", text, r.number)
		return
	}
	j.report.alarm(f, "%s", text)
}
