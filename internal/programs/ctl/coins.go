package ctl

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"github.com/causeway-fund/causeway/api/client"
	"github.com/causeway-fund/causeway/internal/bitcoin/money"
	"github.com/causeway-fund/causeway/internal/cli"
)

// coinForm is a coin as the API writes it (api/openapi.yaml, OutPoint).
var coinForm = regexp.MustCompile(`^[0-9a-f]{64}:(0|[1-9][0-9]{0,9})$`)

func checkCoins(what string, coins []string) error {
	for _, coin := range coins {
		if !coinForm.MatchString(coin) {
			return cli.UsageError{
				Err: fmt.Errorf(
					"%s: %q is not a coin; a coin is txid:vout, and causewayctl coins lists them",
					what,
					coin,
				),
			}
		}
	}
	return nil
}

func (a *app) coinsCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "coins", Short: "List the treasury's coins, the largest first", Args: cobra.NoArgs}
	a.online(staff, cmd, func(c *call) (page, error) {
		t, err := ok200(c.api.GetTreasuryWithResponse(c.ctx))
		if err != nil {
			return page{}, err
		}
		return page{value: orEmpty(t.Coins), parts: []part{coinsPart("", t.Coins)}}, nil
	})
	var reason string
	lock := &cobra.Command{
		Use:   "lock COIN",
		Short: "Keep a coin (txid:vout) out of every new batch",
		Args:  cobra.ExactArgs(1),
	}
	lock.Flags().StringVar(&reason, "reason", "", "why; up to 200 characters")
	cmd.AddCommand(
		a.online(staff, lock, func(c *call) (page, error) {
			if strings.TrimSpace(reason) == "" {
				return page{}, cli.UsageError{Err: errors.New("--reason is missing; see --help")}
			}
			if err := checkCoins("COIN", c.args); err != nil {
				return page{}, err
			}
			return coinPage(ok200(c.api.LockCoinWithResponse(c.ctx, c.args[0], client.NewLock{Reason: reason})))
		}),
		a.online(
			staff,
			&cobra.Command{Use: "unlock COIN", Short: "Allow a coin in new batches again", Args: cobra.ExactArgs(1)},
			func(c *call) (page, error) {
				if err := checkCoins("COIN", c.args); err != nil {
					return page{}, err
				}
				return coinPage(ok200(c.api.UnlockCoinWithResponse(c.ctx, c.args[0])))
			},
		),
	)
	return cmd
}

func coinPage(x client.Coin, err error) (page, error) {
	if err != nil {
		return page{}, err
	}
	return page{value: x, parts: []part{coinsPart("", []client.Coin{x})}}, nil
}

func coinsPart(title string, coins []client.Coin) part {
	header := []string{
		"COIN",
		"AMOUNT_SAT",
		"CONFIRMATIONS",
		"SINCE",
		"CHANGE",
		"SPENDABLE",
		"BATCH",
		"LOCKED_BY",
		"LOCKED_FOR",
	}
	return table(title, header, coins, func(x client.Coin) []string {
		by, reason := "", ""
		if x.Lock != nil {
			by, reason = x.Lock.By, x.Lock.Reason
		}
		return []string{
			x.Txid + ":" + itoa(
				x.Vout,
			),
			itoa(x.AmountSat),
			itoa(x.Confirmations),
			whenever(x.At),
			yesNo(x.Change),
			yesNo(x.Spendable),
			number(x.ReservedBy),
			by,
			reason,
		}
	})
}

func (a *app) feeCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "fee",
		Short: "Show what feerate a transaction should pay now, and why",
		Args:  cobra.NoArgs,
		Long: "Show the worker's newest fee estimate with its sources and their age. While the mempool is used it counts,\n" +
			"up to twice the highest of the others; without it their mean counts. When the estimate cannot be trusted, set\n" +
			"--feerate yourself.",
	}
	return a.online(staff, cmd, func(c *call) (page, error) {
		e, err := ok200(c.api.GetFeeEstimateWithResponse(c.ctx))
		if err != nil {
			return page{}, err
		}
		return page{value: e, parts: withRows(
			table("", []string{"BLOCKS", "SAT/VB"}, e.Targets, func(t client.FeeTarget) []string {
				return []string{itoa(t.Blocks), money.FormatFeeRate(t.FeerateSatKvb)}
			}),
			record(
				"trusted",
				yesNo(e.Trusted),
				"why",
				text(e.Why),
				"at",
				when(e.At),
				"height",
				itoa(e.Height),
				"floor",
				perVB(e.FloorSatKvb),
				"relayed_from",
				perVB(e.RelayFeerateSatKvb),
			),
			table(
				"Sources",
				[]string{"NAME", "USED", "AGE_S", "SAT/VB", "WHY_NOT"},
				e.Votes,
				func(v client.FeeVote) []string {
					rates := make([]string, len(v.FeeratesSatKvb))
					for i, r := range v.FeeratesSatKvb {
						rates[i] = money.FormatFeeRate(r)
					}
					return []string{v.Name, yesNo(v.Used), itoa(v.AgeS), strings.Join(rates, " "), text(v.Why)}
				},
			),
		)}, nil
	})
}
