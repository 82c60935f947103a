package ctl

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/causeway-fund/causeway/api/client"
	"github.com/causeway-fund/causeway/internal/bitcoin/money"
	"github.com/causeway-fund/causeway/internal/cli"
	"github.com/causeway-fund/causeway/internal/errs"
)

func (a *app) grantsCommand() *cobra.Command {
	var p paging
	cmd := &cobra.Command{
		Use:   "grants [ID]",
		Short: "List grants with their instalments, newest first, or show one",
		Args:  cobra.MaximumNArgs(1),
	}
	p.flags(cmd)
	return a.online(staff, cmd, func(c *call) (page, error) {
		if len(c.args) == 1 {
			id, err := c.id()
			if err != nil {
				return page{}, err
			}
			g, err := ok200(c.api.GetGrantWithResponse(c.ctx, id))
			if err != nil {
				return page{}, err
			}
			return page{value: g, parts: []part{instalmentsPart([]client.Grant{g})}}, nil
		}
		list, next, err := pages(c, p, "grants", c.grants)
		if err != nil {
			return page{}, err
		}
		return page{
			value: client.GrantPage{Items: orEmpty(list), NextCursor: next},
			parts: []part{instalmentsPart(list)},
		}, nil
	})
}

// grants fetches one page.
func (c *call) grants(cursor *string, limit *int32) ([]client.Grant, *string, error) {
	answer, err := ok200(c.api.ListGrantsWithResponse(c.ctx, &client.ListGrantsParams{Cursor: cursor, Limit: limit}))
	return answer.Items, answer.NextCursor, err
}

// instalmentsPart has a line for each instalment: that is what batches pay.
func instalmentsPart(list []client.Grant) part {
	type row struct {
		g  client.Grant
		it client.Instalment
	}
	var rows []row
	for _, g := range list {
		for _, it := range g.Instalments {
			rows = append(rows, row{g, it})
		}
	}
	header := []string{
		"INSTALMENT",
		"GRANT",
		"REFERENCE",
		"DESIGNATION",
		"GRANT_STATE",
		"PERIOD",
		"STATE",
		"AMOUNT_SAT",
		"PAYOUT_ADDRESS",
		"TXID",
		"HELD",
	}
	return table("", header, rows, func(r row) []string {
		txid, state := "", r.it.State
		if r.it.Payment != nil {
			txid, state = text(r.it.Payment.Txid), client.InstalmentState(r.it.Payment.Standing)
		}
		return []string{
			r.it.Id.String(),
			r.g.Id.String(),
			r.g.Reference,
			r.g.Designation,
			string(r.g.State),
			itoa(r.it.Period),
			string(state),
			itoa(r.it.AmountSat),
			r.it.PayoutAddress,
			txid,
			text(r.it.HeldReason),
		}
	})
}

func (a *app) treasuryCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "treasury", Short: "Show balances, coins and the deposit address", Args: cobra.NoArgs}
	a.online(staff, cmd, func(c *call) (page, error) {
		t, err := ok200(c.api.GetTreasuryWithResponse(c.ctx))
		if err != nil {
			return page{}, err
		}
		b := t.Balances
		return page{value: t, parts: withRows(
			record(
				"network",
				t.Network,
				"available_sat",
				itoa(b.AvailableSat),
				"committed_sat",
				itoa(b.CommittedSat),
				"in_flight_sat",
				itoa(b.InFlightSat),
				"confirming_sat",
				itoa(b.ConfirmingSat),
				"paid_sat",
				itoa(b.PaidSat),
				"fees_sat",
				itoa(b.FeesSat),
				"lost_sat",
				itoa(b.LostSat),
				"deposits_sat",
				itoa(b.DepositsSat),
				"coins_sat",
				itoa(t.CoinsSat),
				"difference_sat",
				itoa(t.DifferenceSat),
				"accepted_difference_sat",
				accepted(t.AcceptedDifference),
				"deposit_address",
				t.DepositAddress,
				"deposit_index",
				itoa(t.DepositIndex),
				"descriptor",
				t.Descriptor,
				"synced_tip",
				itoa(t.Tip.Height),
				"synced_tip_hash",
				t.Tip.Hash,
				"synced_tip_at",
				when(t.Tip.At),
			),
			breakersPart(t.Breakers),
			table(
				"Batches that need somebody's attention",
				[]string{"NUMBER", "ID", "STATE", "WHY"},
				t.Stuck,
				func(x client.Stuck) []string {
					return []string{itoa(x.Number), x.BatchId.String(), string(x.State), x.Why}
				},
			),
			table(
				"Batches that nobody approved for 7 days; their payments are payable again",
				[]string{"NUMBER", "ID", "COMPOSED_BY", "PAYEES", "CANCELLED"},
				t.Lapsed,
				func(x client.LapsedBatch) []string {
					return []string{itoa(x.Number), x.BatchId.String(), x.ComposedBy, itoa(x.Payees), when(x.At)}
				},
			),
			proposalPart(t.Proposal),
			coinsPart("Coins", t.Coins),
		)}, nil
	})
	cmd.AddCommand(a.breakersCommand(), a.resetCommand())
	return cmd
}

// accepted is the difference between coins and ledger that two people accepted.
func accepted(d *client.AcceptedDifference) string {
	if d == nil {
		return ""
	}
	return itoa(d.AmountSat)
}

// breakersPart has a line for each finding.
func (c *call) breakers() (client.BreakerPage, error) {
	items, err := everyPage(func(cursor *string) ([]client.Breaker, *string, error) {
		p, err := ok200(c.api.ListBreakersWithResponse(c.ctx, &client.ListBreakersParams{Cursor: cursor}))
		return p.Items, p.NextCursor, err
	})
	return client.BreakerPage{Items: items}, err
}

func breakersPart(list []client.Breaker) part {
	type row struct {
		b client.Breaker
		f client.BreakerFinding
	}
	var rows []row
	for _, b := range list {
		for _, f := range b.Findings {
			rows = append(rows, row{b, f})
		}
	}
	return table(
		"Signing is stopped",
		[]string{"NUMBER", "CODE", "STATE", "DETAIL", "AMOUNT_SAT", "FOUND", "CONSENTED"},
		rows,
		func(x row) []string {
			amount := ""
			if x.f.AmountSat != nil {
				amount = itoa(*x.f.AmountSat)
			}
			return []string{
				itoa(x.b.Number),
				string(x.b.Code),
				string(x.b.State),
				x.f.Detail,
				amount,
				when(x.f.At),
				strings.Join(x.b.ResetBy, ", "),
			}
		},
	)
}

func (a *app) breakersCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "breakers",
		Short: "Show what stopped all signing, and who has agreed to resume",
		Args:  cobra.NoArgs,
	}
	return a.online(staff, cmd, func(c *call) (page, error) {
		list, err := c.breakers()
		if err != nil {
			return page{}, err
		}
		return page{value: list, parts: []part{breakersPart(list.Items)}}, nil
	})
}

// proposalPart shows the split that is proposed, with the command that composes it.
func proposalPart(p *client.Proposal) part {
	var rows []client.Proposal
	if p != nil {
		rows = append(rows, *p)
	}
	return table(
		"Proposed: few coins are ready and fees are at the floor",
		[]string{"READY", "WANTED", "EACH_SAT", "COMMAND"},
		rows,
		func(x client.Proposal) []string {
			return []string{
				itoa(x.ReadyCoins),
				itoa(x.WantedCoins),
				itoa(x.EachSat),
				fmt.Sprintf(
					"causewayctl upkeep split --coin %s --outputs %d --feerate %s",
					x.Coin,
					x.Outputs,
					money.FormatFeeRate(x.FeerateSatKvb),
				),
			}
		},
	)
}

func (a *app) resetCommand() *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:   "reset NUMBER",
		Short: "Agree to resume signing after a surprise; two people must",
		Args:  cobra.ExactArgs(1),
		Long: "Agree to resume signing after a surprise. Two different people must; both accept what was found as it\n" +
			"stands. A token cannot do this: use the dashboard, or give the dashboard's session with --session-file.",
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask for confirmation")
	return a.online(member, cmd, func(c *call) (page, error) {
		n, err := strconv.ParseInt(c.args[0], 10, 64)
		if err != nil || n < 1 {
			return page{}, cli.UsageError{
				Err: fmt.Errorf("%q is not a breaker number; causewayctl treasury breakers lists them", c.args[0]),
			}
		}
		list, err := c.breakers()
		if err != nil {
			return page{}, err
		}
		at := slices.IndexFunc(list.Items, func(b client.Breaker) bool { return b.Number == n })
		if at < 0 {
			return page{}, errs.Newf(
				errs.NotFound,
				errs.CodeBreakerNotFound,
				"No breaker with the number %d is open. Nothing was changed.",
				n,
			)
		}
		b := list.Items[at]
		for _, f := range b.Findings {
			c.talk("%s", f.Detail)
		}
		if err := c.confirm(
			yes,
			"This stopped signing. If you know its cause, type the number: ",
			itoa(n),
		); err != nil {
			return page{}, err
		}
		b, err = ok200(c.api.ResetBreakerWithResponse(c.ctx, n, &client.ResetBreakerParams{IfMatch: etag(b.Version)}))
		if err != nil {
			return page{}, err
		}
		return page{
			value: b,
			parts: []part{
				record(
					"number",
					itoa(b.Number),
					"code",
					string(b.Code),
					"state",
					string(b.State),
					"consented",
					strings.Join(b.ResetBy, ", "),
				),
			},
		}, nil
	})
}

func (a *app) whoamiCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "whoami", Short: "Show whom the server recognises you as", Args: cobra.NoArgs}
	return a.online(staff, cmd, func(c *call) (page, error) {
		w, err := ok200(c.api.WhoAmIWithResponse(c.ctx))
		if err != nil {
			return page{}, err
		}
		return page{
			value: w,
			parts: []part{
				record(
					"name",
					w.Name,
					"roles",
					strings.Join(w.Roles, " "),
					"permissions",
					strings.Join(w.Permissions, " "),
				),
			},
		}, nil
	})
}
