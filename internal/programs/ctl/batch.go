package ctl

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/causeway-fund/causeway/api/client"
	"github.com/causeway-fund/causeway/internal/bitcoin/money"
)

func (a *app) batchCommand() *cobra.Command {
	return group(
		&cobra.Command{Use: "batch", Short: "Compose, approve, follow, speed up and take back payments"},
		a.batchListCommand(),
		a.batchShowCommand(),
		a.batchDryRunCommand(),
		a.batchComposeCommand(),
		a.batchApproveCommand(),
		a.batchCancelCommand(),
		a.batchWatchCommand(),
		a.batchBumpCommand(),
		a.batchVoidCommand(),
		a.batchApproveVoidCommand(),
		a.batchWithdrawVoidCommand(),
		a.batchSignaturesCommand(),
		a.batchPSBTCommand(),
	)
}

func (a *app) batchListCommand() *cobra.Command {
	var p paging
	cmd := &cobra.Command{Use: "list", Aliases: []string{"ls"}, Short: "List batches, newest first", Args: cobra.NoArgs}
	p.flags(cmd)
	return a.online(staff, cmd, func(c *call) (page, error) {
		list, next, err := pages(
			c,
			p,
			"batches",
			func(cursor *string, limit *int32) ([]client.BatchSummary, *string, error) {
				answer, err := ok200(
					c.api.ListBatchesWithResponse(c.ctx, &client.ListBatchesParams{Cursor: cursor, Limit: limit}),
				)
				return answer.Items, answer.NextCursor, err
			},
		)
		if err != nil {
			return page{}, err
		}
		return page{
			value: client.BatchPage{Items: orEmpty(list), NextCursor: next},
			parts: []part{batchesPart(list)},
		}, nil
	})
}

func batchesPart(list []client.BatchSummary) part {
	header := []string{
		"NUMBER",
		"ID",
		"KIND",
		"STATE",
		"PAYEES",
		"TOTAL_SAT",
		"MAX_FEE_SAT",
		"CREATED",
		"BY",
		"TROUBLE",
	}
	return table("", header, list, func(b client.BatchSummary) []string {
		return []string{
			itoa(
				b.Number,
			),
			b.Id.String(),
			string(b.Kind),
			string(b.State),
			itoa(b.Payees),
			itoa(b.TotalSat),
			itoa(b.MaxFeeSat),
			when(b.CreatedAt),
			text(b.CreatedBy),
			text(b.LastError),
		}
	})
}

// summarised shows what a call made of a batch.
func summarised(b client.BatchSummary, err error) (page, error) {
	if err != nil {
		return page{}, err
	}
	return page{value: b, parts: []part{batchesPart([]client.BatchSummary{b})}}, nil
}

// batch fetches the batch that the first argument names.
func (c *call) batch() (client.Batch, error) {
	id, err := c.id()
	if err != nil {
		return client.Batch{}, err
	}
	return ok200(c.api.GetBatchWithResponse(c.ctx, id))
}

// shownBatch is a batch with what was computed here.
type shownBatch struct {
	client.Batch
	NoteHolds bool `json:"note_holds"` // digest, number, sums, addresses and amounts agree with the note
}

func (a *app) batchShowCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "show ID",
		Short: "Show a batch and check its note",
		Args:  cobra.ExactArgs(1),
		Long: "Show a batch. Its note's digest is computed here and compared with the server's; so is every payment.\n" +
			"Exit code 5 when they do not agree. CSV lists the payments.",
	}
	return a.online(staff, cmd, func(c *call) (page, error) {
		b, err := c.batch()
		if err != nil {
			return page{}, err
		}
		_, err = checkNote(b)
		return page{value: shownBatch{Batch: b, NoteHolds: err == nil}, parts: batchParts(b, err == nil)}, err
	})
}

func batchParts(b client.Batch, holds bool) []part {
	check := "matches the note below"
	if !holds {
		check = "DOES NOT MATCH"
	}
	parts := []part{
		table(
			"Payments",
			[]string{"REFERENCE", "DESIGNATION", "AMOUNT_SAT", "PAYOUT_ADDRESS", "STATE", "VOUT", "INSTALMENT"},
			b.Items,
			func(it client.BatchItem) []string {
				state := string(it.Standing)
				if it.PaidAfterCancel != nil && *it.PaidAfterCancel {
					state += ", paid after it was cancelled"
				}
				return []string{
					it.Reference,
					it.Designation,
					itoa(it.AmountSat),
					it.PayoutAddress,
					state,
					number(it.Vout),
					it.InstalmentId.String(),
				}
			},
		),
		record(
			"number",
			itoa(b.Number),
			"id",
			b.Id.String(),
			"kind",
			string(b.Kind),
			"state",
			string(b.State),
			"next_action",
			string(b.NextAction),
			"alarm",
			alarm(b),
			"trouble",
			text(b.LastError),
			"payees",
			itoa(b.Payees),
			"total_sat",
			itoa(b.TotalSat),
			"fee_sat",
			number(b.FeeSat),
			"feerate",
			perVB(b.FeerateSatKvb),
			"max_fee_sat",
			itoa(b.MaxFeeSat),
			"max_feerate",
			perVB(b.MaxFeerateSatKvb),
			"wanted_feerate",
			wantedRate(b.WantedFeerateSatKvb),
			"deadline_blocks",
			itoa(b.DeadlineBlocks),
			"coins",
			list(b.Coins),
			"txid",
			text(b.Txid),
			"height",
			number(b.Height),
			"confirmations",
			confirmed(b),
			"created_at",
			when(b.CreatedAt),
			"created_by",
			text(b.CreatedBy),
			"version",
			itoa(b.Version),
			"digest",
			b.Digest,
			"note_check",
			check,
		),
		table("Approvals", []string{"AT", "BY", "DIGEST"}, b.Approvals, func(x client.BatchApproval) []string {
			return []string{when(x.At), x.By, x.Digest}
		}),
		table(
			"Attempts",
			[]string{
				"NUMBER",
				"KIND",
				"FATE",
				"TXID",
				"FEE_SAT",
				"SAT/VB",
				"SIGNED",
				"BROADCAST_AT",
				"HEIGHT",
				"CREATED",
			},
			b.Attempts,
			func(x client.Attempt) []string {
				return []string{
					itoa(
						x.Number,
					),
					string(x.Kind),
					string(x.Fate),
					x.Txid,
					itoa(x.FeeSat),
					money.FormatFeeRate(x.FeerateSatKvb),
					yesNo(x.Signed),
					number(x.BroadcastHeight),
					number(x.Height),
					when(x.CreatedAt),
				}
			},
		),
	}
	if r := b.Raise; r != nil {
		p := record(
			"raise_current",
			perVB(r.CurrentSatKvb),
			"raise_least",
			perVB(r.LeastSatKvb),
			"raise_most",
			perVB(r.MostSatKvb),
			"refused",
			text(r.Refused),
		)
		p.title = "Raising the fee"
		parts = append(parts, p)
	}
	if b.Void != nil {
		parts = append(parts, voidPart(*b.Void))
	}
	if b.Signatures != nil {
		parts = append(parts, signaturesPart("Signatures", *b.Signatures))
	}
	if b.Transaction != nil {
		parts = append(parts, transactionParts(*b.Transaction)...)
	}
	return withRows(append(parts, eventsPart(b.Events), part{title: "Batch note", text: b.Note})...)
}

// wantedRate is the feerate that a treasurer asked for; empty when nobody did.
func wantedRate(satKVB *int64) string {
	if satKVB == nil {
		return ""
	}
	return perVB(*satKVB)
}

func voidPart(v client.Void) part {
	p := record(
		"reason",
		v.Reason,
		"asked_by",
		v.AskedBy,
		"asked_at",
		when(v.AskedAt),
		"lapses_at",
		whenever(v.LapsesAt),
		"approved_by",
		text(v.ApprovedBy),
		"approved_at",
		whenever(v.ApprovedAt),
		"feerate",
		perVB(v.FeerateSatKvb),
		"fee_sat",
		itoa(v.FeeSat),
		"payments_to_cancel",
		itoa(len(v.CancelIds)),
		"digest",
		v.Digest,
	)
	p.title = "Taking it back"
	return p
}

func signaturesPart(title string, s client.Signatures) part {
	p := record(
		"needed",
		fmt.Sprintf("%d of %d", s.Needed, s.Total),
		"missing",
		itoa(s.Missing),
		"signed",
		strings.Join(s.Signed, " "),
	)
	p.title = title
	return p
}

func list(texts *[]string) string {
	if texts == nil {
		return ""
	}
	return strings.Join(*texts, " ")
}

func transactionParts(tx client.Transaction) []part {
	return []part{
		table("Inputs", []string{"TXID", "VOUT", "AMOUNT_SAT", "ADDRESS"}, tx.Inputs, func(in client.TxInput) []string {
			return []string{in.Txid, itoa(in.Vout), itoa(in.AmountSat), in.Address}
		}),
		table(
			"Outputs",
			[]string{"VOUT", "AMOUNT_SAT", "ADDRESS", "CHANGE"},
			tx.Outputs,
			func(out client.TxOutput) []string {
				return []string{itoa(out.Vout), itoa(out.AmountSat), out.Address, yesNo(out.Change)}
			},
		),
	}
}

func (a *app) batchCancelCommand() *cobra.Command {
	var yes bool
	cmd := &cobra.Command{Use: "cancel ID", Short: "Cancel a batch that no signer has seen", Args: cobra.ExactArgs(1)}
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask for confirmation")
	return a.online(staff, cmd, func(c *call) (page, error) {
		b, err := c.batch()
		if err != nil {
			return page{}, err
		}
		question := fmt.Sprintf(
			"Batch %d is %s and pays %d payees. To cancel it, type its number: ",
			b.Number,
			clean(string(b.State)),
			b.Payees,
		)
		if err := c.confirm(yes, question, itoa(b.Number)); err != nil {
			return page{}, err
		}
		return summarised(
			ok200(c.api.CancelBatchWithResponse(c.ctx, b.Id, &client.CancelBatchParams{IfMatch: etag(b.Version)})),
		)
	})
}
