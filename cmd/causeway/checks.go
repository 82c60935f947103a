package main

import (
	"strconv"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/causeway-fund/causeway/internal/cli"
	"github.com/causeway-fund/causeway/internal/fleet/endpoint"
	"github.com/causeway-fund/causeway/internal/programs/app"
)

func checksCommand() *cobra.Command {
	var urlFile string
	var wanted endpoint.Policy
	cmd := &cobra.Command{
		Use:   "checks",
		Short: "Show how servers are checked and what that decides, or change it",
		Long: "Without flags it only shows them. A change is written to the audit log and takes effect with the next\n" +
			"slot. With --require-control no application is approved while control of one of its servers is unproven. A\n" +
			"threshold above 0 holds payments of grants whose servers were surely below it, and those of which too little\n" +
			"is known; it never makes one smaller.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			url, err := ownerURL(cmd, urlFile)
			if err != nil {
				return err
			}
			policy, err := app.Checks(cmd.Context(), url, changed(cmd.Flags(), wanted))
			if err != nil {
				return err
			}
			return policyRows(policy).Write(cmd.OutOrStdout(), cli.Table)
		},
	}
	f := cmd.Flags()
	f.StringVar(&urlFile, "owner-url-file", "", "file with the URL of the database's owner")
	f.DurationVar(&wanted.Slot, "slot", 0, "length of a slot, in which one check is made; a day must be a whole "+
		"number of slots")
	f.IntVar(&wanted.FullPermille, "full-permille", 0, "checks per 1000 that ask Telegram for its proof")
	f.IntVar(
		&wanted.Confirmations,
		"confirmations",
		0,
		"how often a failed check is repeated, by another prober if there is one",
	)
	f.IntVar(&wanted.BackoffAfter, "backoff-after", 0, "failed slots after which a server is checked less often")
	f.DurationVar(&wanted.BackoffEvery, "backoff-every", 0, "how often a server is checked then")
	f.IntVar(
		&wanted.MinCoveragePermille,
		"min-coverage-permille",
		0,
		"slots per 1000 that must have a result before uptime decides",
	)
	f.IntVar(
		&wanted.MinUptimePermille,
		"min-uptime-permille",
		0,
		"uptime threshold of payments, in per mille; 0 for none",
	)
	f.StringVar((*string)(&wanted.PayPlace), "pay-place", "", "whose uptime decides: outside or inside")
	f.BoolVar(
		&wanted.RequireControl,
		"require-control",
		false,
		"approve only applications that have proven control of "+
			"their servers",
	)
	f.DurationVar(
		&wanted.MaintenanceNotice,
		"maintenance-notice",
		0,
		"how long in advance maintenance must be declared",
	)
	f.DurationVar(&wanted.MaintenanceMax, "maintenance-max", 0, "most maintenance in 30 days")
	return cmd
}

// changed returns what sets those settings that were given, or nil for none.
func changed(flags *pflag.FlagSet, to endpoint.Policy) func(*endpoint.Policy) {
	set := map[string]func(p *endpoint.Policy){
		"slot":                  func(p *endpoint.Policy) { p.Slot = to.Slot },
		"full-permille":         func(p *endpoint.Policy) { p.FullPermille = to.FullPermille },
		"confirmations":         func(p *endpoint.Policy) { p.Confirmations = to.Confirmations },
		"backoff-after":         func(p *endpoint.Policy) { p.BackoffAfter = to.BackoffAfter },
		"backoff-every":         func(p *endpoint.Policy) { p.BackoffEvery = to.BackoffEvery },
		"min-coverage-permille": func(p *endpoint.Policy) { p.MinCoveragePermille = to.MinCoveragePermille },
		"min-uptime-permille":   func(p *endpoint.Policy) { p.MinUptimePermille = to.MinUptimePermille },
		"pay-place":             func(p *endpoint.Policy) { p.PayPlace = to.PayPlace },
		"require-control":       func(p *endpoint.Policy) { p.RequireControl = to.RequireControl },
		"maintenance-notice":    func(p *endpoint.Policy) { p.MaintenanceNotice = to.MaintenanceNotice },
		"maintenance-max":       func(p *endpoint.Policy) { p.MaintenanceMax = to.MaintenanceMax },
	}
	var given []func(*endpoint.Policy)
	flags.Visit(func(f *pflag.Flag) {
		if fn := set[f.Name]; fn != nil {
			given = append(given, fn)
		}
	})
	if len(given) == 0 {
		return nil
	}
	return func(p *endpoint.Policy) {
		for _, fn := range given {
			fn(p)
		}
	}
}

func policyRows(p endpoint.Policy) cli.Rows {
	return cli.Rows{Header: []string{"SETTING", "VALUE"}, Cells: [][]string{
		{"slot", p.Slot.String()},
		{"full-permille", strconv.Itoa(p.FullPermille)},
		{"confirmations", strconv.Itoa(p.Confirmations)},
		{"backoff-after", strconv.Itoa(p.BackoffAfter)},
		{"backoff-every", p.BackoffEvery.String()},
		{"min-coverage-permille", strconv.Itoa(p.MinCoveragePermille)},
		{"min-uptime-permille", strconv.Itoa(p.MinUptimePermille)},
		{"pay-place", string(p.PayPlace)},
		{"require-control", strconv.FormatBool(p.RequireControl)},
		{"maintenance-notice", p.MaintenanceNotice.String()},
		{"maintenance-max", p.MaintenanceMax.String()},
	}}
}
