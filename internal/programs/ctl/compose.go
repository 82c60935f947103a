package ctl

import (
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/causeway-fund/causeway/api/client"
	"github.com/causeway-fund/causeway/internal/bitcoin/money"
	"github.com/causeway-fund/causeway/internal/cli"
)

// maxOrder is how many instalments one order may have (api/openapi.yaml, Order).
const maxOrder = 10_000

// limits is the fee flags of everything that makes a batch.
type limits struct {
	feeRate, maxFeeRate, maxFee int64
	coins                       []string
}

func (l *limits) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	feeRateFlag(cmd, &l.feeRate, "feerate", "feerate to start with (default: the fund's estimate)")
	feeRateFlag(cmd, &l.maxFeeRate, "max-feerate", "highest feerate (default: the fund's limit)")
	f.Int64Var(&l.maxFee, "max-fee-sat", 0, "highest fee (default: the fund's limit)")
}

// feeRateFlag is a flag for a feerate, which people type in sat/vB and calls have in
// satoshi per 1,000 virtual bytes; 0 when it is not given.
func feeRateFlag(cmd *cobra.Command, satKVB *int64, name, words string) {
	cmd.Flags().Var((*money.FeeRateFlag)(satKVB), name, words+", in sat/vB with up to three decimals")
}

// perVB writes a feerate for people.
func perVB(satKVB int64) string { return money.FormatFeeRate(satKVB) + " sat/vB" }

func (l *limits) coinFlag(cmd *cobra.Command, words string) {
	cmd.Flags().StringSliceVar(&l.coins, "coin", nil, "txid:vout of "+words+"; may be given several times")
}

func (l *limits) check() error {
	if l.maxFee < 0 {
		return cli.UsageError{Err: errors.New("--max-fee-sat must be at least 1")}
	}
	return checkCoins("--coin", l.coins)
}

// order is the flags of a new batch of payments.
type order struct {
	limits
	instalments []string
	payable     bool
	payees      string
	deadline    int32
}

func (o *order) flags(cmd *cobra.Command) {
	o.limits.flags(cmd)
	o.coinFlag(cmd, "a coin to spend; no others are spent")
	f := cmd.Flags()
	f.StringSliceVar(&o.instalments, "instalment", nil, "id of an instalment to pay; may be given several times")
	f.BoolVar(
		&o.payable,
		"payable",
		false,
		fmt.Sprintf("pay the oldest payable instalments, at most %d", maxOrder),
	)
	f.StringVar(
		&o.payees,
		"payees",
		"",
		"file with a list of payees (CSV), of which every row must match; see causewayctl payees check",
	)
	f.Int32Var(&o.deadline, "deadline-blocks", 0, "blocks until it pays the highest feerate (default: the fund's)")
}

func (o *order) read(c *call) (client.Order, error) {
	out := client.Order{
		FeerateSatKvb:    o.feeRate,
		MaxFeerateSatKvb: given(o.maxFeeRate),
		MaxFeeSat:        given(o.maxFee),
		DeadlineBlocks:   given(o.deadline),
		Coins:            nonEmpty(o.coins),
	}
	if err := o.check(); err != nil {
		return out, err
	}
	if o.deadline < 0 {
		return out, cli.UsageError{Err: errors.New("--deadline-blocks must be at least 1")}
	}
	ways := 0
	for _, used := range []bool{o.payable, len(o.instalments) > 0, o.payees != ""} {
		if used {
			ways++
		}
	}
	if ways != 1 {
		return out, cli.UsageError{Err: errors.New("give one of --instalment, --payable and --payees")}
	}
	var err error
	switch {
	case o.payable:
		out.InstalmentIds, err = c.payable()
		return out, err
	case o.payees != "":
		out.InstalmentIds, err = c.listed(o.payees)
		return out, err
	}
	for _, text := range o.instalments {
		id, err := uuid.Parse(text)
		if err != nil {
			return out, cli.UsageError{Err: fmt.Errorf("--instalment: %q is not an ID", text)}
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
			if it.State == "payable" && len(ids) < maxOrder {
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
	r, err := ok200(c.api.PreviewBatchWithResponse(c.ctx, body))
	if err != nil {
		return page{}, err
	}
	parts := []part{
		record(
			"payees",
			itoa(r.Payees),
			"total_sat",
			itoa(r.TotalSat),
			"batches",
			itoa(r.Batches),
			"fee_sat",
			itoa(r.FeeSat),
			"feerate",
			perVB(r.FeerateSatKvb),
			"fee_permille",
			itoa(r.FeePermille),
			"max_fee_sat",
			itoa(r.MaxFeeSat),
			"max_feerate",
			perVB(r.MaxFeerateSatKvb),
			"headroom_sat",
			itoa(r.HeadroomSat),
			"deadline_blocks",
			itoa(r.DeadlineBlocks),
			"change_sat",
			itoa(r.ChangeSat),
			"available_after_sat",
			itoa(r.AvailableAfterSat),
			"weight",
			itoa(r.Weight),
			"vsize",
			itoa(r.Transaction.Vsize),
		),
		table(
			"Confirmation target",
			[]string{"BLOCKS", "SAT/VB", "FEE_SAT", "FEE_PERMILLE", "REFUSED"},
			r.AtTargets,
			func(t client.FeeAt) []string {
				return []string{
					itoa(t.Blocks),
					money.FormatFeeRate(t.FeerateSatKvb),
					number(t.FeeSat),
					number(t.FeePermille),
					text(t.Refused),
				}
			},
		),
		table(
			"Before you confirm",
			[]string{"CODE", "TEXT"},
			r.Notes,
			func(n client.Remark) []string { return []string{n.Code, n.Text} },
		),
	}
	return page{value: r, parts: withRows(append(parts, transactionParts(r.Transaction)...)...)}, nil
}

func (a *app) batchComposeCommand() *cobra.Command {
	var o order
	var dry bool
	cmd := &cobra.Command{
		Use:   "compose",
		Short: "Put instalments into a new batch; nothing is paid until it is approved",
		Args:  cobra.NoArgs,
		Long: "Put instalments into a new batch, or into several when one cannot hold them; either all are made or none.\n" +
			"Nothing is paid until a batch is approved.",
	}
	o.flags(cmd)
	cmd.Flags().BoolVar(&dry, "dry-run", false, "the same as: causewayctl batch dry-run")
	return a.online(staff, making(cmd), func(c *call) (page, error) {
		body, err := o.read(c)
		if err != nil {
			return page{}, err
		}
		if dry {
			return dryRun(c, body)
		}
		made, err := ok201(
			c.api.ComposeBatchWithResponse(c.ctx, &client.ComposeBatchParams{IdempotencyKey: c.key()}, body),
		)
		if err != nil {
			return page{}, err
		}
		return page{value: made, parts: []part{batchesPart(made.Batches)}}, nil
	})
}

// upkeep is the flags of a batch that pays nobody.
type upkeep struct {
	limits
	outputs int32
}

func (a *app) upkeepCommand() *cobra.Command {
	var joined, parted, child upkeep
	join := &cobra.Command{
		Use:   "consolidate",
		Short: "Join coins into one: the smallest, or those of --coin",
		Args:  cobra.NoArgs,
	}
	joined.flags(join)
	joined.coinFlag(join, "a coin to join")
	divide := &cobra.Command{
		Use:   "split",
		Short: "Split a coin into several: the largest, or that of --coin",
		Args:  cobra.NoArgs,
	}
	parted.flags(divide)
	parted.coinFlag(divide, "a coin to split")
	divide.Flags().Int32Var(&parted.outputs, "outputs", 0, "into how many, 2 to 20")
	pull := &cobra.Command{
		Use:   "child BATCH",
		Short: "Spend the change of a batch that waits for a block, and pay for both",
		Args:  cobra.ExactArgs(1),
	}
	child.flags(pull)
	return group(
		&cobra.Command{
			Use:   "upkeep",
			Short: "Make batches that pay nobody: join coins, split one, speed up a stuck batch",
		},
		a.online(
			staff,
			making(join),
			func(c *call) (page, error) { return c.upkeep(joined, client.Upkeep{Kind: client.Consolidate}) },
		),
		a.online(staff, making(divide), func(c *call) (page, error) {
			if parted.outputs < 2 {
				return page{}, cli.UsageError{Err: errors.New("--outputs must be between 2 and 20")}
			}
			return c.upkeep(parted, client.Upkeep{Kind: client.Split, Outputs: &parted.outputs})
		}),
		a.online(staff, making(pull), func(c *call) (page, error) {
			id, err := c.id()
			if err != nil {
				return page{}, err
			}
			return c.upkeep(child, client.Upkeep{Kind: client.Child, Parent: &id})
		}),
	)
}

func (c *call) upkeep(u upkeep, body client.Upkeep) (page, error) {
	if err := u.check(); err != nil {
		return page{}, err
	}
	body.FeerateSatKvb, body.MaxFeerateSatKvb, body.MaxFeeSat, body.Coins = u.feeRate, given(
		u.maxFeeRate,
	), given(
		u.maxFee,
	), nonEmpty(
		u.coins,
	)
	return summarised(
		ok201(c.api.ComposeUpkeepWithResponse(c.ctx, &client.ComposeUpkeepParams{IdempotencyKey: c.key()}, body)),
	)
}

// nonEmpty returns nil for an empty list, so that it is left out of the call.
func nonEmpty[T any](list []T) *[]T {
	if len(list) == 0 {
		return nil
	}
	return &list
}
