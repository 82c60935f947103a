package ctl

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"github.com/causeway-fund/causeway/api/client"
	"github.com/causeway-fund/causeway/internal/cli"
)

func (a *app) fundCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "fund", Short: "Show the fund, its network and its limits", Args: cobra.NoArgs}
	return a.online(nobody, cmd, func(c *call) (page, error) {
		f, err := ok200(c.api.GetFundWithResponse(c.ctx))
		if err != nil {
			return page{}, err
		}
		protocols := make([]string, len(f.Protocols))
		for i, p := range f.Protocols {
			protocols[i] = string(p)
		}
		return page{value: f, parts: []part{
			record(
				"name",
				f.Name,
				"network",
				f.Network,
				"min_amount_sat",
				itoa(f.MinAmountSat),
				"max_amount_sat",
				itoa(f.MaxAmountSat),
				"approvals_required",
				itoa(f.ApprovalsRequired),
				"policy_version",
				itoa(f.PolicyVersion),
				"paid_confirmations",
				itoa(f.PaidConfirmations),
				"final_confirmations",
				itoa(f.FinalConfirmations),
				"protocols",
				strings.Join(protocols, " "),
			),
		}}, nil
	})
}

func (a *app) statusCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "status", Short: "Show where your application stands", Args: cobra.NoArgs}
	return a.online(operator, cmd, func(c *call) (page, error) {
		s, err := ok200(c.api.GetOwnApplicationWithResponse(c.ctx))
		if err != nil {
			return page{}, err
		}
		purged := ""
		if s.Purged {
			purged = "yes: what you wrote was erased"
		}
		return page{value: s, parts: withRows(
			record(
				"reference",
				s.Reference,
				"state",
				string(s.State),
				"title",
				text(s.Title),
				"amount_sat",
				itoa(s.AmountSat),
				"payout_address",
				s.PayoutAddress,
				"revision",
				itoa(s.Revision),
				"submitted_at",
				when(s.SubmittedAt),
				"purged",
				purged,
			),
			paymentsPart(s.Payments), messagesPart(s.Messages), eventsPart(s.Timeline),
		)}, nil
	})
}

func paymentsPart(list []client.Payment) part {
	return table(
		"Payments",
		[]string{"AMOUNT_SAT", "STATE", "CONFIRMATIONS", "TXID", "VOUT"},
		list,
		func(p client.Payment) []string {
			return []string{itoa(p.AmountSat), string(p.Standing), itoa(p.Confirmations), text(p.Txid), number(p.Vout)}
		},
	)
}

// messagesPart shows messages in full; what the operator may not read says so.
func messagesPart(list []client.Message) part {
	var b strings.Builder
	for i, m := range list {
		if i > 0 {
			b.WriteString("\n")
		}
		from := string(m.From)
		if m.Author != nil {
			from += " (" + *m.Author + ")"
		}
		if m.Audience == client.AudienceTeam {
			from += ", for the team only"
		}
		b.WriteString(when(m.At) + " " + from + "\n" + indent(m.Text) + "\n")
	}
	return part{title: "Messages", text: b.String()}
}

func eventsPart(list []client.Event) part {
	return table("History", []string{"AT", "EVENT", "FROM", "TO", "BY"}, list, func(e client.Event) []string {
		by := string(e.By)
		if e.Name != nil {
			by = *e.Name
		}
		return []string{when(e.At), e.Event, text(e.From), text(e.To), by}
	})
}

// changed shows where an application stands after a call.
func changed(s client.ApplicationStanding, err error) (page, error) {
	if err != nil {
		return page{}, err
	}
	return page{value: s, parts: []part{
		record(
			"id",
			s.Id.String(),
			"reference",
			s.Reference,
			"state",
			string(s.State),
			"revision",
			itoa(s.Revision),
			"version",
			itoa(s.Version),
		),
	}}, nil
}

// ownChanged shows where one's own application stands after a call.
func ownChanged(s client.OwnApplication, err error) (page, error) {
	if err != nil {
		return page{}, err
	}
	return page{
		value: s,
		parts: []part{record("reference", s.Reference, "state", string(s.State), "revision", itoa(s.Revision))},
	}, nil
}

// written is a text from a flag or a file.
type written struct{ flag, fileFlag, text, file string }

// flags adds --NAME and --NAME-file.
func (w *written) flags(cmd *cobra.Command, name, usage string) {
	w.flag, w.fileFlag = name, name+"-file"
	cmd.Flags().StringVar(&w.text, w.flag, "", usage)
	cmd.Flags().StringVar(&w.file, w.fileFlag, "", "file with it, or - for standard input")
}

func (w *written) read(c *call, needed bool) (string, error) {
	if w.text != "" && w.file != "" {
		return "", cli.UsageError{Err: errors.New("--" + w.flag + " and --" + w.fileFlag + " cannot be used together")}
	}
	text := w.text
	if w.file != "" {
		var err error
		if text, err = c.readText(w.file); err != nil {
			return "", err
		}
		text = strings.TrimSpace(text)
	}
	if needed && text == "" {
		return "", cli.UsageError{Err: errors.New("--" + w.flag + " or --" + w.fileFlag + " is missing")}
	}
	return text, nil
}

func (a *app) replyCommand() *cobra.Command {
	var message written
	cmd := &cobra.Command{Use: "reply", Short: "Write to the team about your application", Args: cobra.NoArgs}
	message.flags(cmd, "text", "what to write")
	return a.online(operator, making(cmd), func(c *call) (page, error) {
		text, err := message.read(c, true)
		if err != nil {
			return page{}, err
		}
		return ownChanged(
			ok201(
				c.api.AddOwnMessageWithResponse(
					c.ctx,
					&client.AddOwnMessageParams{IdempotencyKey: c.key()},
					client.NewOwnMessage{Text: text},
				),
			),
		)
	})
}

func (a *app) withdrawCommand() *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:   "withdraw",
		Short: "Withdraw your application before it is decided",
		Args:  cobra.NoArgs,
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask for confirmation")
	return a.online(operator, cmd, func(c *call) (page, error) {
		if err := c.confirm(yes, "This cannot be undone. Type withdraw: ", "withdraw"); err != nil {
			return page{}, err
		}
		return ownChanged(ok200(c.api.WithdrawApplicationWithResponse(c.ctx)))
	})
}
