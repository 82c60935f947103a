package ctl

import (
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/causeway-fund/causeway/api/client"
	"github.com/causeway-fund/causeway/internal/cli"
)

// maxPayees is how many instalments one batch may have (api/openapi.yaml, Order).
const maxPayees = 200

func (a *app) batchCommand() *cobra.Command {
	return group(&cobra.Command{Use: "batch", Short: "Compose, approve and watch payments"},
		a.batchListCommand(), a.batchShowCommand(), a.batchDryRunCommand(), a.batchComposeCommand(),
		a.batchApproveCommand(), a.batchCancelCommand(), a.batchWatchCommand(),
	)
}

func (a *app) batchListCommand() *cobra.Command {
	var p paging
	cmd := &cobra.Command{Use: "list", Short: "List batches, newest first", Args: cobra.NoArgs}
	p.flags(cmd)
	return a.online(staff, cmd, func(c *call) (page, error) {
		list, next, err := pages(c, p, "batches", func(cursor *string, limit *int32) ([]client.BatchSummary, *string, error) {
			answer, err := ok200(c.api.ListBatchesWithResponse(c.ctx, &client.ListBatchesParams{Cursor: cursor, Limit: limit}))
			return answer.Items, answer.NextCursor, err
		})
		if err != nil {
			return page{}, err
		}
		return page{value: client.BatchPage{Items: orEmpty(list), NextCursor: next}, parts: []part{batchesPart(list)}}, nil
	})
}

func batchesPart(list []client.BatchSummary) part {
	header := []string{"NUMBER", "ID", "STATE", "PAYEES", "TOTAL_SAT", "MAX_FEE_SAT", "CREATED", "BY", "TROUBLE"}
	return table("", header, list, func(b client.BatchSummary) []string {
		return []string{
			itoa(b.Number), b.Id.String(), b.State, itoa(b.Payees), itoa(b.TotalSat), itoa(b.MaxFeeSat), when(b.CreatedAt),
			text(b.CreatedBy), text(b.LastError),
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
		Use: "show ID", Short: "Show a batch and check its note", Args: cobra.ExactArgs(1),
		Long: "Show a batch. Its note's digest is computed here and compared with the server's; so is every payment.\n" +
			"Exit code 5 when they do not agree. CSV lists the payments.",
	}
	return a.online(staff, cmd, func(c *call) (page, error) {
		b, err := c.batch()
		if err != nil {
			return page{}, err
		}
		_, _, err = checkBatch(b)
		return page{value: shownBatch{Batch: b, NoteHolds: err == nil}, parts: batchParts(b, err == nil)}, err
	})
}

func batchParts(b client.Batch, holds bool) []part {
	check := "matches the note below"
	if !holds {
		check = "DOES NOT HOLD"
	}
	parts := []part{
		table("Payments", []string{"REFERENCE", "DESIGNATION", "AMOUNT_SAT", "PAYOUT_ADDRESS", "STATE", "VOUT", "INSTALMENT"}, b.Items, func(it client.BatchItem) []string {
			return []string{it.Reference, it.Designation, itoa(it.AmountSat), it.PayoutAddress, it.State, number(it.Vout), it.InstalmentId.String()}
		}),
		record("number", itoa(b.Number), "id", b.Id.String(), "state", b.State, "next_action", b.NextAction, "trouble", text(b.LastError),
			"payees", itoa(b.Payees), "total_sat", itoa(b.TotalSat), "fee_sat", number(b.FeeSat), "fee_sat_vb", itoa(b.FeeSatVb),
			"max_fee_sat", itoa(b.MaxFeeSat), "max_feerate_sat_vb", itoa(b.MaxFeerateSatVb),
			"txid", text(b.Txid), "height", number(b.Height), "confirmations", itoa(b.Confirmations),
			"created_at", when(b.CreatedAt), "created_by", text(b.CreatedBy), "version", itoa(b.Version), "digest", b.Digest, "note_check", check),
		table("Approvals", []string{"AT", "BY", "DIGEST"}, b.Approvals, func(x client.BatchApproval) []string {
			return []string{when(x.At), x.By, x.Digest}
		}),
		table("Attempts", []string{"NUMBER", "TXID", "FEE_SAT", "SIGNED", "HEIGHT", "CREATED"}, b.Attempts, func(x client.Attempt) []string {
			return []string{itoa(x.Number), x.Txid, itoa(x.FeeSat), yesNo(x.Signed), number(x.Height), when(x.CreatedAt)}
		}),
	}
	if b.Transaction != nil {
		parts = append(parts, transactionParts(*b.Transaction)...)
	}
	return withRows(append(parts, eventsPart(b.Events), part{title: "Batch note", text: b.Note})...)
}

func transactionParts(tx client.Transaction) []part {
	return []part{
		table("Inputs", []string{"TXID", "VOUT", "AMOUNT_SAT", "ADDRESS"}, tx.Inputs, func(in client.TxInput) []string {
			return []string{in.Txid, itoa(in.Vout), itoa(in.AmountSat), in.Address}
		}),
		table("Outputs", []string{"VOUT", "AMOUNT_SAT", "ADDRESS", "CHANGE"}, tx.Outputs, func(out client.TxOutput) []string {
			return []string{itoa(out.Vout), itoa(out.AmountSat), out.Address, yesNo(out.Change)}
		}),
	}
}

// order is the flags of a new batch.
type order struct {
	instalments                 []string
	payable                     bool
	feeRate, maxFeeRate, maxFee int64
}

func (o *order) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringSliceVar(&o.instalments, "instalment", nil, "id of an instalment to pay; may be given several times")
	f.BoolVar(&o.payable, "payable", false, fmt.Sprintf("the oldest instalments that are payable, at most %d", maxPayees))
	f.Int64Var(&o.feeRate, "fee-sat-vb", 0, "fee rate to start with")
	f.Int64Var(&o.maxFeeRate, "max-feerate-sat-vb", 0, "highest fee rate; the fund's limit when absent")
	f.Int64Var(&o.maxFee, "max-fee-sat", 0, "highest fee; the fund's limit when absent")
}

func (o *order) read(c *call) (client.Order, error) {
	out := client.Order{FeeSatVb: o.feeRate, MaxFeerateSatVb: given(o.maxFeeRate), MaxFeeSat: given(o.maxFee)}
	if o.feeRate < 1 {
		return out, cli.UsageError{Err: errors.New("--fee-sat-vb is missing; see --help")}
	}
	if o.payable == (len(o.instalments) > 0) {
		return out, cli.UsageError{Err: errors.New("give either --instalment or --payable")}
	}
	if o.payable {
		var err error
		out.InstalmentIds, err = c.payable()
		return out, err
	}
	for _, text := range o.instalments {
		id, err := uuid.Parse(text)
		if err != nil {
			return out, cli.UsageError{Err: fmt.Errorf("--instalment: %q is no id", text)}
		}
		out.InstalmentIds = append(out.InstalmentIds, id)
	}
	return out, nil
}

// payable returns the instalments that can be paid, those of the oldest grants
// first.
func (c *call) payable() ([]uuid.UUID, error) {
	grants, _, err := pages(c, paging{all: true}, "grants", c.grants)
	if err != nil {
		return nil, err
	}
	var ids []uuid.UUID
	for i := len(grants) - 1; i >= 0; i-- {
		for _, it := range grants[i].Instalments {
			if it.State == "payable" && len(ids) < maxPayees {
				ids = append(ids, it.Id)
			}
		}
	}
	if len(ids) == 0 {
		return nil, cli.UsageError{Err: errors.New("--payable: there is nothing to pay")}
	}
	return ids, nil
}

func (a *app) batchDryRunCommand() *cobra.Command {
	var o order
	cmd := &cobra.Command{Use: "dry-run", Short: "Show what a batch would cost; nothing is stored", Args: cobra.NoArgs}
	o.flags(cmd)
	return a.online(staff, cmd, func(c *call) (page, error) {
		body, err := o.read(c)
		if err != nil {
			return page{}, err
		}
		return dryRun(c, body)
	})
}

func dryRun(c *call, body client.Order) (page, error) {
	r, err := ok200(c.api.DryRunBatchWithResponse(c.ctx, body))
	if err != nil {
		return page{}, err
	}
	parts := append([]part{record(
		"payees", itoa(r.Payees), "total_sat", itoa(r.TotalSat), "fee_sat", itoa(r.FeeSat), "fee_sat_vb", itoa(r.FeeSatVb),
		"fee_per_mill", itoa(r.FeePerMill), "max_fee_sat", itoa(r.MaxFeeSat), "max_feerate_sat_vb", itoa(r.MaxFeerateSatVb),
		"change_sat", itoa(r.ChangeSat), "available_after_sat", itoa(r.AvailableAfterSat), "vsize", itoa(r.Transaction.Vsize),
	)}, transactionParts(r.Transaction)...)
	return page{value: r, parts: parts}, nil
}

func (a *app) batchComposeCommand() *cobra.Command {
	var o order
	var dry bool
	cmd := &cobra.Command{
		Use: "compose", Short: "Put instalments into a new batch; nothing is paid until it is approved", Args: cobra.NoArgs,
	}
	o.flags(cmd)
	cmd.Flags().BoolVar(&dry, "dry-run", false, "the same as: causewayctl batch dry-run")
	return a.online(staff, cmd, func(c *call) (page, error) {
		body, err := o.read(c)
		if err != nil {
			return page{}, err
		}
		if dry {
			return dryRun(c, body)
		}
		return summarised(ok201(c.api.ComposeBatchWithResponse(c.ctx, body)))
	})
}

func (a *app) batchCancelCommand() *cobra.Command {
	var yes bool
	cmd := &cobra.Command{Use: "cancel ID", Short: "Give up a batch that no signer has seen", Args: cobra.ExactArgs(1)}
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return a.online(staff, cmd, func(c *call) (page, error) {
		b, err := c.batch()
		if err != nil {
			return page{}, err
		}
		question := fmt.Sprintf("Batch %d is %s and pays %d payees. To cancel it, type its number: ", b.Number, clean(b.State), b.Payees)
		if err := c.confirm(yes, question, itoa(b.Number)); err != nil {
			return page{}, err
		}
		return summarised(ok200(c.api.CancelBatchWithResponse(c.ctx, b.Id, &client.CancelBatchParams{IfMatch: etag(b.Version)})))
	})
}
