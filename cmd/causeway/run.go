package main

import (
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/causeway-fund/causeway/internal/cli"
	"github.com/causeway-fund/causeway/internal/programs/app"
)

func serveCommand() *cobra.Command {
	var cfg app.ServeConfig
	cmd := &cobra.Command{
		Use: "serve", Short: "Serve the API and the dashboard", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cli.Need(cmd.Flags(), "database-url-file", "key-file", "audit-public-key-file"); err != nil {
				return err
			}
			cfg.Log = logger()
			return app.Serve(cmd.Context(), cfg)
		},
	}
	serviceFlags(cmd.Flags(), &cfg)
	cmd.Flags().StringVar(&cfg.AuditPublicKey, "audit-public-key-file", "", "file with the audit log's public key")
	cmd.Flags().StringVar(&cfg.Listen, "listen", "127.0.0.1:8080", "host:port of API and dashboard")
	cmd.Flags().StringVar(&cfg.AdminListen, "admin-listen", "", "host:port of /readyz and /metrics; empty for none")
	cmd.Flags().StringVar(
		&cfg.OnionListen,
		"onion-listen",
		"",
		"host:port on loopback where Tor delivers an onion service; empty for none",
	)
	cmd.Flags().StringSliceVar(
		&cfg.TrustedProxies,
		"trusted-proxy",
		nil,
		"address or network of a proxy whose X-Forwarded-For header is trusted; may be repeated",
	)
	limitFlags(cmd.Flags(), &cfg.Rates)
	checksFlags(cmd.Flags(), &cfg.Checks)
	cmd.Flags().BoolVar(&cfg.Demo, "demo", false, "let one-time links sign people in; never on a real fund")
	return cmd
}

// limitFlags are in requests a second. Those of everybody together stand near what
// the machine can do.
func limitFlags(flags *pflag.FlagSet, r *app.Rates) {
	d := app.DefaultRates()
	flags.IntVar(&r.Reading, "limit-reading", d.Reading, "pages and public calls per second, for all anonymous "+
		"clients together")
	flags.IntVar(&r.Writing, "limit-writing", d.Writing, "steps of applying per second, for all anonymous "+
		"clients together")
	flags.IntVar(
		&r.Entering,
		"limit-entering",
		d.Entering,
		"steps of signing in and enrolling per second, for all anonymous clients together",
	)
	flags.IntVar(
		&r.Guessing,
		"limit-guessing",
		d.Guessing,
		"lookups of unknown sessions, tokens, receipts and signatures per second, for all clients that showed too "+
			"many bad ones",
	)
	flags.IntVar(
		&r.Receipts,
		"limit-receipts",
		d.Receipts,
		"calls with a valid receipt per second, for everybody together",
	)
	flags.IntVar(
		&r.ClientReading,
		"limit-client-reading",
		d.ClientReading,
		"pages and public calls per second, for one client",
	)
	flags.IntVar(
		&r.ClientWriting,
		"limit-client-writing",
		d.ClientWriting,
		"steps of applying per second, for one client",
	)
	flags.IntVar(
		&r.ClientEntering,
		"limit-client-entering",
		d.ClientEntering,
		"steps of signing in and enrolling per second, for one client",
	)
	flags.IntVar(
		&r.ClientGuessing,
		"limit-client-guessing",
		d.ClientGuessing,
		"bad sessions, tokens, receipts and signatures per second, for one client",
	)
	flags.IntVar(
		&r.Caller,
		"limit-caller",
		d.Caller,
		"calls per second under one session, token or prober's key; a heavy call counts as ten, one with a receipt as two",
	)
}

func checksFlags(flags *pflag.FlagSet, cfg *app.ChecksConfig) {
	flags.StringVar(
		&cfg.TelegramFile,
		"telegram-file",
		"",
		"JSON file with Telegram's keys and data centres; without it nothing is checked (deploy/telegram.json)",
	)
	flags.StringVar(
		&cfg.CanaryFile,
		"canary-file",
		"",
		"JSON file with servers whose answer is known, to test whether a prober reports the truth",
	)
	flags.StringVar(
		&cfg.BlocklistDir,
		"blocklist-dir",
		"",
		"folder of blocklists: dump.csv of zapret-info, whole or in parts, and .cidr or .txt files",
	)
	flags.StringSliceVar(
		&cfg.PlaceFiles,
		"places-file",
		nil,
		".mmdb file of networks or countries; may be repeated",
	)
	flags.StringVar(
		&cfg.EchoURL,
		"echo-url",
		"",
		"http://IP:PORT of `causeway echo`, as probers reach it; without it, exit addresses are unknown",
	)
	flags.StringVar(&cfg.EchoKeyFile, "echo-key-file", "", "file with the key that the echo server signs with")
}

func serviceFlags(flags *pflag.FlagSet, cfg *app.ServeConfig) {
	flags.StringVar(&cfg.DatabaseURLFile, "database-url-file", "", "file with the database URL of the role app")
	flags.StringVar(&cfg.KeyFile, "key-file", "", "file with the keys that seal what operators write")
	flags.StringVar(&cfg.PublicURL, "public-url", "http://localhost:8080", "where browsers reach the dashboard")
}

func workerCommand() *cobra.Command {
	var cfg app.WorkerConfig
	var second app.NodeConfig
	cmd := &cobra.Command{
		Use: "worker", Short: "Follow the chain and pay what was approved", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cli.Need(
				cmd.Flags(),
				"database-url-file",
				"btcd-host",
				"btcd-user",
				"btcd-pass-file",
				"btcd-cert-file",
				"audit-key-file",
			); err != nil {
				return err
			}
			if second.Host != "" {
				if err := cli.Need(cmd.Flags(), "btcd2-user", "btcd2-pass-file", "btcd2-cert-file"); err != nil {
					return err
				}
				cfg.Second = &second
			}
			cfg.Log = logger()
			return app.Work(cmd.Context(), cfg)
		},
	}
	f := cmd.Flags()
	f.StringVar(&cfg.DatabaseURLFile, "database-url-file", "", "file with the database URL of the role worker")
	f.StringVar(&cfg.Chain.Host, "btcd-host", "", "host:port of btcd's RPC")
	f.StringVar(&cfg.Chain.User, "btcd-user", "", "btcd's RPC user (the administrator's, not the limited one)")
	f.StringVar(&cfg.Chain.PassFile, "btcd-pass-file", "", "file with btcd's RPC password")
	f.StringVar(&cfg.Chain.CertFile, "btcd-cert-file", "", "btcd's rpc.cert")
	f.StringVar(
		&second.Host,
		"btcd2-host",
		"",
		"host:port of a second btcd, which must agree with the first and also broadcasts",
	)
	f.StringVar(&second.User, "btcd2-user", "", "the second btcd's RPC user")
	f.StringVar(&second.PassFile, "btcd2-pass-file", "", "file with the second btcd's RPC password")
	f.StringVar(&second.CertFile, "btcd2-cert-file", "", "the second btcd's rpc.cert")
	f.StringSliceVar(
		&cfg.SignerSockets,
		"signer-socket",
		nil,
		"Unix socket of causeway-signer; may be repeated; without it, people bring every signature",
	)
	f.StringVar(&cfg.AuditKeyFile, "audit-key-file", "", "file with the key that signs checkpoints")
	f.StringVar(&cfg.AdminListen, "admin-listen", "", "host:port of /readyz and /metrics; empty for none")
	f.DurationVar(&cfg.Poll, "poll", time.Second, "how often to look for work without being woken")
	return cmd
}
