package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/causeway-fund/causeway/internal/cli"
	"github.com/causeway-fund/causeway/internal/programs/app"
)

func proberCommand() *cobra.Command {
	var cfg app.ProberConfig
	cmd := &cobra.Command{
		Use:   "prober",
		Short: "Check endpoints for a fund, and report to it",
		Long: "prober asks the service which checks to make, makes them, and reports the results. It needs no database\n" +
			"and no node, and only the service, through its signed leases, tells it what to dial. Enrol it first: causeway\n" +
			"prober enrol.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cli.Need(cmd.Flags(), "api", "state"); err != nil {
				return err
			}
			cfg.Log = logger()
			return app.Probe(cmd.Context(), cfg)
		},
	}
	p := cmd.PersistentFlags()
	p.StringVar(&cfg.API, "api", "", "URL of the service, https://…")
	p.StringVar(&cfg.APIProxy, "api-proxy", "", "socks5:// or http:// proxy for calls to the service; empty for none")
	p.StringVar(&cfg.State, "state", "", "file with the prober's key and its place in the chain of its reports")
	f := cmd.Flags()
	f.StringVar(&cfg.Exit, "exit", "", "socks5://ip:port through which checks go out; empty: directly from here")
	f.StringVar(
		&cfg.ExitLoginFile,
		"exit-login-file",
		"",
		"file with user:password of the exit; empty if it needs none",
	)
	f.StringVar(
		&cfg.Tor,
		"tor",
		"",
		"ip:port of Tor's SOCKS port, through which checks go out, each on a circuit of its own",
	)
	f.StringSliceVar(
		&cfg.Resolvers,
		"resolver",
		app.DefaultResolvers(),
		"ip:port of a resolver, for DNS proofs and, with an exit, for every name; may be repeated",
	)
	f.StringSliceVar(
		&cfg.Anchors,
		"anchor",
		nil,
		"host:port that answers while our own network works; may be repeated (default: Telegram's data centres)",
	)
	f.StringSliceVar(
		&cfg.Allow,
		"allow",
		nil,
		"non-public network that may be dialled; for tests and the demo only",
	)
	f.IntVar(&cfg.Workers, "workers", 0, "number of checks at once; 0 for a default within the limit on open files")
	cmd.AddCommand(enrolCommand(&cfg))
	return cmd
}

func enrolCommand(cfg *app.ProberConfig) *cobra.Command {
	var tokenFile string
	cmd := &cobra.Command{
		Use: "enrol", Short: "Introduce this prober to the service with a one-time token", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cli.Need(cmd.Flags(), "api", "state", "token-file"); err != nil {
				return err
			}
			in := cmd.InOrStdin()
			if tokenFile == "-" {
				if _, err := fmt.Fprint(cmd.ErrOrStderr(), "Token from the fleet page: "); err != nil {
					return fmt.Errorf("ask for the token: %w", err)
				}
			} else {
				file, err := os.Open(tokenFile)
				if err != nil {
					return fmt.Errorf("read the file with the token: %w", err)
				}
				defer func() { _ = file.Close() }() // only read from
				in = file
			}
			token, err := app.ReadToken(in)
			if err != nil {
				return err
			}
			name, err := app.EnrolProber(cmd.Context(), *cfg, token)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "enrolled as %s\n", name)
			return err
		},
	}
	cmd.Flags().StringVar(
		&tokenFile,
		"token-file",
		"-",
		"file with the token that the fleet page showed; - reads it from standard input",
	)
	return cmd
}

func echoCommand() *cobra.Command {
	var cfg app.EchoConfig
	cmd := &cobra.Command{
		Use: "echo", Short: "Tell checks from which address an endpoint's traffic comes", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cli.Need(cmd.Flags(), "key-file"); err != nil {
				return err
			}
			cfg.Log = logger()
			return app.ServeEcho(cmd.Context(), cfg)
		},
	}
	cmd.Flags().StringVar(&cfg.Listen, "listen", ":8081", "ip:port that is reachable from the internet, with no "+
		"proxy in front")
	cmd.Flags().StringVar(
		&cfg.KeyFile,
		"key-file",
		"",
		"file with the key that serve also has, for example the output of openssl rand -hex 32",
	)
	return cmd
}
