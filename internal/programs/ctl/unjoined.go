package ctl

import (
	"errors"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/causeway-fund/causeway/api/client"
	"github.com/causeway-fund/causeway/internal/cli"
)

func (a *app) unjoinedCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "unjoined",
		Short: "List payments whose approvals were lost with a restored database",
		Args:  cobra.NoArgs,
		Long: "After an older database is restored, the signers' journals may name payments that it has no approval for.\n" +
			"They count as paid. When one is approved again, join the two, and it is not paid twice.",
	}
	a.online(staff, cmd, func(c *call) (page, error) {
		list, err := everyPage(func(cursor *string) ([]client.UnjoinedPayment, *string, error) {
			p, err := ok200(c.api.ListUnjoinedWithResponse(c.ctx, &client.ListUnjoinedParams{Cursor: cursor}))
			return p.Items, p.NextCursor, err
		})
		if err != nil {
			return page{}, err
		}
		return page{value: client.UnjoinedPage{Items: list}, parts: []part{unjoinedPart(list)}}, nil
	})
	var reason string
	separate := &cobra.Command{
		Use:   "separate PAYMENT",
		Short: "Declare that later payments to the address of PAYMENT (txid:vout) are different ones",
		Args:  cobra.ExactArgs(1),
	}
	separate.Flags().StringVar(&reason, "reason", "", "why; up to 500 characters")
	cmd.AddCommand(
		a.online(staff, &cobra.Command{
			Use:   "join PAYMENT ID",
			Short: "Declare that payment ID, which was approved again, is PAYMENT (txid:vout)",
			Args:  cobra.ExactArgs(2),
		}, func(c *call) (page, error) {
			if err := checkCoins("PAYMENT", c.args[:1]); err != nil {
				return page{}, err
			}
			id, err := uuid.Parse(c.args[1])
			if err != nil {
				return page{}, cli.UsageError{Err: errors.New("ID is not the ID of a payment; see causewayctl grants")}
			}
			return unjoinedPage(
				ok200(c.api.JoinUnjoinedWithResponse(c.ctx, c.args[0], client.NewJoin{InstalmentId: id})),
			)
		}),
		a.online(staff, separate, func(c *call) (page, error) {
			if strings.TrimSpace(reason) == "" {
				return page{}, cli.UsageError{Err: errors.New("--reason is missing; see --help")}
			}
			if err := checkCoins("PAYMENT", c.args); err != nil {
				return page{}, err
			}
			return unjoinedPage(
				ok200(c.api.SeparateUnjoinedWithResponse(c.ctx, c.args[0], client.NewSeparation{Reason: reason})),
			)
		}),
	)
	return cmd
}

func unjoinedPage(p client.UnjoinedPayment, err error) (page, error) {
	if err != nil {
		return page{}, err
	}
	return page{value: p, parts: []part{unjoinedPart([]client.UnjoinedPayment{p})}}, nil
}

func unjoinedPart(list []client.UnjoinedPayment) part {
	return table(
		"",
		[]string{"PAYMENT", "BATCH", "STATE", "AMOUNT_SAT", "ADDRESS", "DECISION_NOTE", "PERIOD", "SEPARATE"},
		list,
		func(x client.UnjoinedPayment) []string {
			why := ""
			if x.Separate != nil {
				why = *x.Separate
			}
			return []string{
				x.Outpoint,
				itoa(x.BatchNumber),
				string(x.BatchState),
				itoa(x.AmountSat),
				x.Address,
				x.Decision,
				itoa(int64(x.Period)),
				why,
			}
		},
	)
}
