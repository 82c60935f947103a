package ctl

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/btcsuite/btcd/wire/v2"
	"github.com/spf13/cobra"

	"github.com/causeway-fund/causeway/api/client"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/trust/decision"
)

func (a *app) batchApproveCommand() *cobra.Command {
	var digest string
	var yes, dry bool
	cmd := &cobra.Command{
		Use:   "approve ID",
		Short: "Release a batch for payment, after a check of its note",
		Args:  cobra.ExactArgs(1),
		Long: "Release a batch. What it pays is read from its note, addresses from the scripts in it, and the note's\n" +
			"digest is computed here. When the server shows anything else, nothing is sent and the exit code is 5. To\n" +
			"confirm, type the batch's number.",
	}
	cmd.Flags().StringVar(
		&digest,
		"digest",
		"",
		"continue only if the note has this digest, which you have read before",
	)
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask for confirmation")
	cmd.Flags().BoolVar(&dry, "dry-run", false, "check and show the note; nothing is sent")
	return a.online(staff, cmd, func(c *call) (page, error) {
		b, err := c.batch()
		if err != nil {
			return page{}, err
		}
		note, err := checkNote(b)
		if err != nil {
			return page{}, err
		}
		if err := c.showBatch(b, note); err != nil {
			return page{}, err
		}
		if err := readBefore(digest, note.digest); err != nil {
			return page{}, err
		}
		if dry {
			c.talk("Nothing was sent. Without --dry-run this would release batch %d.", note.number)
			return page{}, nil
		}
		question := fmt.Sprintf(
			"To release %s to %d payees, type the batch's number: ",
			sats(note.total),
			len(note.payees),
		)
		if note.upkeep != nil {
			question = fmt.Sprintf("To release this %s, which pays nobody, type the batch's number: ", note.upkeep.Kind)
		}
		if err := c.confirm(yes, question, itoa(int64(note.number))); err != nil {
			return page{}, err
		}
		params := client.ApproveBatchParams{IfMatch: etag(b.Version)}
		return summarised(
			ok200(c.api.ApproveBatchWithResponse(c.ctx, b.Id, &params, client.Approval{Digest: note.digest.String()})),
		)
	})
}

// readBefore holds a note against the digest that the person has read before.
func readBefore(wanted string, have decision.Digest) error {
	if wanted == "" || wanted == have.String() {
		return nil
	}
	return errs.New(
		errs.Conflict,
		errs.CodeStaleDigest,
		"The note is not the one that --digest names. Nothing was sent; read it again.",
	)
}

// showBatch tells the person what an approval releases.
func (c *call) showBatch(b client.Batch, note checked) error {
	c.talk("Batch %d on %s, %s", note.number, note.network.Name, clean(string(b.State)))
	list := table("", []string{"PAYEE", "AMOUNT_SAT", "ADDRESS"}, note.payees, func(p payee) []string {
		return []string{p.item.Reference + " " + p.item.Designation, itoa(p.sat), p.address}
	})
	if u := note.upkeep; u != nil {
		c.talk("It pays nobody: %s of %d coins into %d of the treasury's own.", u.Kind, len(u.Coins), u.Outputs)
		list = table("", []string{"COIN"}, u.Coins, func(op wire.OutPoint) []string { return []string{op.String()} })
	}
	if err := list.write(c.cmd.ErrOrStderr()); err != nil {
		return err
	}
	if note.upkeep == nil {
		c.talk("Total    %s", sats(note.total))
	}
	if note.anyRate() {
		c.talk("Max fee  %s, at any feerate: it pays for its parent", sats(note.maxFee))
	} else {
		c.talk("Max fee  %s, %s", sats(note.maxFee), perVB(note.maxRate))
	}
	c.talk("Digest   %s, computed here", note.digest)
	return nil
}

// payouts is the way of a batch.
func payouts() []string {
	return []string{"composed", "approved", "built", "signing", "signed", "broadcast", "mined", "paid", "final"}
}

// stateVoided is where a batch ends that was taken back.
const stateVoided = "voided"

// outcomeOf reports whether a batch in state is where until wants it, and whether
// it can still get there.
func outcomeOf(state, until string) (there, lost bool) {
	ended := state == "cancelled" || state == "conflicted" || state == stateVoided
	if until == stateVoided {
		return state == stateVoided, state == "cancelled" || state == "final"
	}
	return slices.Index(payouts(), state) >= slices.Index(payouts(), until), ended
}

func (a *app) batchWatchCommand() *cobra.Command {
	var until string
	cmd := &cobra.Command{
		Use:   "watch ID",
		Short: "Wait until a batch reaches a state",
		Args:  cobra.ExactArgs(1),
		Long: "Wait until a batch is in a state or past it, and report every change on standard error. Exit code 4 when\n" +
			"it can no longer get there because it was cancelled or taken back, or because its coins were spent elsewhere.",
	}
	goals := append(payouts(), stateVoided)
	cmd.Flags().StringVar(&until, "until", "paid", strings.Join(goals, ", "))
	complete(cmd, "until", goals...)
	return a.online(staff, cmd, func(c *call) (page, error) {
		if err := oneOf(cmd, "until", goals...); err != nil {
			return page{}, err
		}
		b, err := c.batch()
		if err != nil {
			return page{}, err
		}
		c.wire.quiet = true // the answer to a watch is late by design
		for seen := ""; ; {
			if line := progressOf(b); line != seen {
				seen = line
				c.talk("%s", line)
			}
			there, lost := outcomeOf(string(b.State), until)
			if there {
				return watched(b), nil
			}
			if lost {
				return watched(
						b,
					), errs.Newf(
						errs.Conflict,
						errs.Code("batch_"+b.State),
						"Batch %d is %s; it does not become %s.",
						b.Number,
						b.State,
						until,
					)
			}
			if b, err = c.next(b); err != nil {
				return page{}, err
			}
		}
	})
}

// next waits for the batch to change. The server may give up waiting; it is not
// asked again in a hurry then.
func (c *call) next(b client.Batch) (client.Batch, error) {
	after, err := ok200(c.api.WatchBatchWithResponse(c.ctx, b.Id, &client.WatchBatchParams{Since: b.WatchToken}))
	if err != nil || after.WatchToken != b.WatchToken {
		return after, err
	}
	pause := time.NewTimer(patience)
	defer pause.Stop()
	select {
	case <-pause.C:
		return after, nil
	case <-c.ctx.Done():
		return after, c.ctx.Err()
	}
}

func progressOf(b client.Batch) string {
	line := fmt.Sprintf("batch %d: %s", b.Number, b.State)
	if b.Txid != nil {
		line += fmt.Sprintf(", %s confirmations, %s", confirmed(b), *b.Txid)
	}
	if b.LastError != nil {
		line += " (" + *b.LastError + ")"
	}
	return clean(line)
}

// confirmed counts confirmations, and says of how many while more are needed.
func confirmed(b client.Batch) string {
	if b.ConfirmationsNeeded == nil || b.Confirmations >= *b.ConfirmationsNeeded {
		return itoa(b.Confirmations)
	}
	return fmt.Sprintf("%d of %d", b.Confirmations, *b.ConfirmationsNeeded)
}

func watched(b client.Batch) page {
	return page{value: b, parts: []part{
		record(
			"number",
			itoa(b.Number),
			"id",
			b.Id.String(),
			"state",
			string(b.State),
			"next_action",
			string(b.NextAction),
			"txid",
			text(b.Txid),
			"fee_sat",
			number(b.FeeSat),
			"height",
			number(b.Height),
			"confirmations",
			confirmed(b),
			"alarm",
			alarm(b),
			"trouble",
			text(b.LastError),
		),
	}}
}

// alarm says what is off about a batch that may be paid; empty while it waits for
// a block as every batch does.
func alarm(b client.Batch) string {
	if b.Alarm == nil {
		return ""
	}
	return string(*b.Alarm)
}
