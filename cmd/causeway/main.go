package main

import (
	"fmt"
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"github.com/causeway-fund/causeway/internal/cli"
	"github.com/causeway-fund/causeway/migrations"
)

func main() { os.Exit(cli.Main(root())) }

func root() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "causeway",
		Short: "Pay the people who keep the internet open",
		Long: "causeway takes applications from operators of proxies and VPNs, has them reviewed, and pays\n" +
			"the approved ones in Bitcoin.\n\nEvery flag can also be set as CAUSEWAY_NAME. Secrets are read from files only.",
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error { return cli.BindEnv(cmd.Flags(), "CAUSEWAY") },
	}
	cmd.AddCommand(
		serveCommand(),
		workerCommand(),
		proberCommand(),
		echoCommand(),
		migrateCommand(),
		adminCommand(),
		versionCommand(),
	)
	return cmd
}

// logger writes JSON lines to standard error.
func logger() *slog.Logger { return slog.New(slog.NewJSONHandler(os.Stderr, nil)) }

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version and the schema it needs", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			schema, err := migrations.Newest()
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "causeway %s, schema %d\n", cli.Version(), schema)
			return err
		},
	}
}
