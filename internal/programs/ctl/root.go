package ctl

import (
	"bufio"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/causeway-fund/causeway/internal/cli"
	"github.com/causeway-fund/causeway/internal/clock"
)

const (
	envPrefix      = "CAUSEWAYCTL"
	defaultTimeout = time.Minute
)

// Config is what a test sets. The zero Config is the real program.
type Config struct {
	Clock    clock.Clock   // nil: the machine's
	Progress *cli.Progress // nil: on standard error
}

// app is the program: its global flags and what commands share.
type app struct {
	cfg Config
	in  *bufio.Reader // standard input, once something has been read from it

	server, tokenFile, sessionFile, receiptFile, configDir, proxy, format string
	plainHTTP, asJSON                                                     bool
	timeout                                                               time.Duration
}

// Root returns the command causewayctl. Run it with cli.Main.
func Root(cfg Config) *cobra.Command {
	if cfg.Clock == nil {
		cfg.Clock = clock.Real{}
	}
	if cfg.Progress == nil {
		cfg.Progress = cli.NewProgress(os.Stderr, cfg.Clock)
	}
	a := &app{cfg: cfg}
	root := &cobra.Command{
		Use:   "causewayctl",
		Short: "Apply to a fund, prove control of servers, review, release payments, verify the audit log",
		Long: "causewayctl speaks to a Causeway fund over its public API.\n\n" +
			"Data goes to standard output, messages to standard error. Every flag can also be set as CAUSEWAYCTL_NAME.\n" +
			"Secrets are read from files or asked for.\n\n" +
			"Exit codes: 0 done, 1 error, 2 usage, 3 not found, 4 conflict, 5 a check failed.",
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error { return cli.BindEnv(cmd.Flags(), envPrefix) },
	}
	f := root.PersistentFlags()
	f.StringVar(&a.server, "server", "http://localhost:8080", "address of the fund")
	f.StringVar(&a.tokenFile, "token-file", "", "file with your API token (staff)")
	f.StringVar(
		&a.sessionFile,
		"session-file",
		"",
		"file with the value of the dashboard's session cookie, where a token is not enough (staff)",
	)
	f.StringVar(&a.receiptFile, "receipt-file", "", "file with the receipt code, for operators (default: ask for it)")
	f.StringVar(
		&a.configDir,
		"config-dir",
		"",
		"folder of the charters that you have verified (default: causewayctl in your folder for configuration)",
	)
	f.StringVar(&a.proxy, "proxy", "", "proxy for every call, e.g. socks5h://127.0.0.1:9050 for Tor")
	f.BoolVar(&a.plainHTTP, "plain-http", false, "send secrets over http:// to another machine")
	f.DurationVar(&a.timeout, "timeout", defaultTimeout, "how long to wait for one answer")
	f.StringVarP(&a.format, "output", "o", string(cli.Table), "table, json or csv")
	f.BoolVar(&a.asJSON, "json", false, "the same as -o json")
	complete(root, "output", string(cli.Table), string(cli.JSON), string(cli.CSV))

	root.AddCommand(
		a.fundCommand(),
		a.linkCommand(),
		a.applyCommand(),
		a.statusCommand(),
		a.replyCommand(),
		a.reviseCommand(),
		a.withdrawCommand(),
		a.endpointsCommand(),
		a.challengeCommand(),
		a.uptimeCommand(),
		a.fleetCommand(),
		a.vantageCommand(),
		a.queueCommand(),
		a.showCommand(),
		a.claimCommand(),
		a.releaseCommand(),
		a.voteCommand(),
		a.askCommand(),
		a.decideCommand(),
		a.messageCommand(),
		a.grantsCommand(),
		a.batchCommand(),
		a.upkeepCommand(),
		a.treasuryCommand(),
		a.coinsCommand(),
		a.unjoinedCommand(),
		a.feeCommand(),
		a.paymentsCommand(),
		a.payeesCommand(),
		a.auditCommand(),
		a.verifyCommand(), a.charterCommand(), a.approvalCommand(), a.haltCommand(), a.resumeCommand(),
		a.whoamiCommand(),
		a.tokenCommand(),
		a.versionCommand(),
	)
	return root
}

// complete offers values for a flag in shells that have completion.
func complete(cmd *cobra.Command, flag string, values ...string) {
	// It fails only for a flag that does not exist or is registered twice; a
	// test completes each of them.
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
}

// group makes cmd a group of commands: alone it shows its help, and a command
// that it does not know is refused.
func group(cmd *cobra.Command, commands ...*cobra.Command) *cobra.Command {
	cmd.Args = cobra.NoArgs
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	cmd.AddCommand(commands...)
	return cmd
}

// oneOf refuses a value that does not exist before anything is sent; a flag that
// was not given is fine.
func oneOf(cmd *cobra.Command, flag string, values ...string) error {
	value := cmd.Flags().Lookup(flag).Value.String()
	if value == "" || slices.Contains(values, value) {
		return nil
	}
	return cli.UsageError{Err: fmt.Errorf("--%s: %q is not one of %s", flag, value, strings.Join(values, ", "))}
}

func (a *app) versionCommand() *cobra.Command {
	return a.local(
		&cobra.Command{Use: "version", Short: "Print the version", Args: cobra.NoArgs},
		func(*call) (page, error) {
			version := cli.Version()
			return page{
				value: map[string]string{"program": "causewayctl", "version": version},
				parts: []part{{header: []string{"PROGRAM", "VERSION"}, cells: [][]string{{"causewayctl", version}}}},
			}, nil
		},
	)
}

func itoa[T int | int32 | int64](n T) string { return strconv.FormatInt(int64(n), 10) }
