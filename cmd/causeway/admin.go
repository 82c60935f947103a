package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/causeway-fund/causeway/internal/bitcoin/money"
	"github.com/causeway-fund/causeway/internal/cli"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/fleet/endpoint"
	"github.com/causeway-fund/causeway/internal/programs/app"
	"github.com/causeway-fund/causeway/internal/trust/identity"
	"github.com/causeway-fund/causeway/migrations"
)

func migrateCommand() *cobra.Command {
	var urlFile, prefix string
	cmd := &cobra.Command{Use: "migrate", Short: "Bring the database to this program's version"}
	cmd.PersistentFlags().StringVar(&urlFile, "owner-url-file", "", "file with the URL of the database's owner")
	up := &cobra.Command{
		Use: "up", Short: "Apply the migrations that are missing", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			url, err := ownerURL(cmd, urlFile)
			if err != nil {
				return err
			}
			if err := migrations.Up(cmd.Context(), url, migrations.Options{RolePrefix: prefix}); err != nil {
				return err
			}
			return listMigrations(cmd, url)
		},
	}
	up.Flags().StringVar(
		&prefix,
		"role-prefix",
		"",
		"prefix of the two database roles, stored in the database (default: causeway). Each fund on one PostgreSQL server "+
			"needs its own",
	)
	cmd.AddCommand(up, &cobra.Command{
		Use: "status", Short: "Show which migrations have been applied", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			url, err := ownerURL(cmd, urlFile)
			if err != nil {
				return err
			}
			return listMigrations(cmd, url)
		},
	})
	return cmd
}

func ownerURL(cmd *cobra.Command, path string) (string, error) {
	if err := cli.Need(cmd.Flags(), "owner-url-file"); err != nil {
		return "", err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("read the file with the owner's URL: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}

func listMigrations(cmd *cobra.Command, url string) error {
	list, err := migrations.List(cmd.Context(), url)
	if err != nil {
		return err
	}
	rows := cli.Rows{Header: []string{"VERSION", "FILE", "APPLIED"}}
	for _, m := range list {
		rows.Cells = append(
			rows.Cells,
			[]string{strconv.FormatInt(m.Version, 10), m.File, strconv.FormatBool(m.Applied)},
		)
	}
	return rows.Write(cmd.OutOrStdout(), cli.Table)
}

func adminCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "admin", Short: "Set up a fund and manage its staff"}
	cmd.AddCommand(
		keysCommand(),
		roleCommand(),
		fundCommand(),
		charterCommand(),
		inviteCommand(),
		staffCommand(),
		disableCommand(),
		enableCommand(),
		invariantsCommand(),
		checksCommand(),
		readyCoinsCommand(),
	)
	return cmd
}

func keysCommand() *cobra.Command {
	var fundID, sealPath, auditPath, publicPath string
	cmd := &cobra.Command{
		Use: "keys", Short: "Create the key files of a fund", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cli.Need(
				cmd.Flags(),
				"fund-id",
				"key-file",
				"audit-key-file",
				"audit-public-key-file",
			); err != nil {
				return err
			}
			id, err := uuid.Parse(fundID)
			if err != nil {
				return cli.UsageError{Err: fmt.Errorf("--fund-id: %w", err)}
			}
			return app.CreateKeys(id, sealPath, auditPath, publicPath)
		},
	}
	f := cmd.Flags()
	f.StringVar(&fundID, "fund-id", "", "the fund's id, as printed by: causeway admin fund")
	f.StringVar(&sealPath, "key-file", "", "where to write the keys that seal what operators write")
	f.StringVar(&auditPath, "audit-key-file", "", "where to write the key that signs checkpoints")
	f.StringVar(&publicPath, "audit-public-key-file", "", "where to write the public half of that key")
	cmd.AddCommand(rotateCommand(), rewrapCommand(), dropKeysCommand())
	return cmd
}

func rotateCommand() *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:   "rotate",
		Short: "Add a key to the sealing key file, for new applications",
		Long: "The new key seals applications that arrive after serve has been restarted. Older keys stay in the file,\n" +
			"since only they open older applications until keys rewrap has run. Back up the file before\n" +
			"you restart serve: an older copy cannot open what is sealed under the new key.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cli.Need(cmd.Flags(), "key-file"); err != nil {
				return err
			}
			id, err := app.RotateKeys(path)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "new key %s in %s\n"+
				"Back up the file, then restart causeway serve: until then it seals under the former key.\n", id, path)
			return err
		},
	}
	cmd.Flags().StringVar(&path, "key-file", "", "the key file; it is replaced atomically")
	return cmd
}

func rewrapCommand() *cobra.Command {
	var cfg app.ServeConfig
	cmd := &cobra.Command{
		Use:   "rewrap",
		Short: "Rewrap the data keys of older applications under the newest key",
		Long: "Every application has a data key of its own, encrypted under a key of the key file. rewrap moves each of\n" +
			"them to the newest key of the file. What operators wrote is not touched. Restart every serve with that file\n" +
			"first: one that runs with an older copy cannot open what was rewrapped until it is restarted.\n\n" +
			"serve and worker may keep running. You can stop rewrap at any time and run it again; it says when nothing is\n" +
			"left to do.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cli.Need(cmd.Flags(), "database-url-file", "key-file"); err != nil {
				return err
			}
			r, err := app.RewrapKeys(cmd.Context(), cfg, func(done int64) {
				_, _ = fmt.Fprintf(cmd.ErrOrStderr(), "%d rewrapped\n", done)
			})
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(
				cmd.OutOrStdout(),
				"key %s: %d rewrapped, %d already under it, %d left\n",
				r.Key,
				r.Done,
				r.Already,
				r.Left,
			)
			if err == nil && r.Left > 0 {
				err = errs.New(
					errs.Conflict,
					CodeOlderKeyInUse,
					"Applications arrived under an older key meanwhile. Restart every serve with the newest key file, then run "+
						"this again.",
				)
			}
			return err
		},
	}
	cmd.Flags().StringVar(&cfg.DatabaseURLFile, "database-url-file", "", "file with the database URL of the role app")
	cmd.Flags().StringVar(&cfg.KeyFile, "key-file", "", "file with the keys that seal what operators write")
	return cmd
}

func dropKeysCommand() *cobra.Command {
	var urlFile, path string
	cmd := &cobra.Command{
		Use:   "drop",
		Short: "Remove all keys but the newest from the key file, once nothing is under them",
		Long: "drop refuses while the data key of any application is under an older key. Afterwards the database refuses\n" +
			"for good whatever a serve with an older copy of the file would seal, and the older keys leave the file.\n\n" +
			"Only the old file opens backups of the database made before keys rewrap: keep a copy of it\n" +
			"as long as you keep those backups.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cli.Need(cmd.Flags(), "key-file"); err != nil {
				return err
			}
			url, err := ownerURL(cmd, urlFile)
			if err != nil {
				return err
			}
			dropped, err := app.DropOlderKeys(cmd.Context(), url, path)
			if err != nil {
				return err
			}
			if len(dropped) == 0 {
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s has no older keys\n", path)
				return err
			}
			for _, id := range dropped {
				if _, err := fmt.Fprintf(cmd.OutOrStdout(), "dropped key %s\n", id); err != nil {
					return err
				}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&urlFile, "owner-url-file", "", "file with the URL of the database's owner")
	cmd.Flags().StringVar(&path, "key-file", "", "the key file; it is replaced atomically")
	return cmd
}

func roleCommand() *cobra.Command {
	var urlFile, role, out string
	cmd := &cobra.Command{
		Use: "role", Short: "Set a new password for a database role and write its URL", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cli.Need(cmd.Flags(), "role", "database-url-file"); err != nil {
				return err
			}
			url, err := ownerURL(cmd, urlFile)
			if err != nil {
				return err
			}
			return app.SetRolePassword(cmd.Context(), url, role, out)
		},
	}
	f := cmd.Flags()
	f.StringVar(&urlFile, "owner-url-file", "", "file with the URL of the database's owner")
	f.StringVar(&role, "role", "", "app or worker: the role of serve or of worker in this database")
	f.StringVar(&out, "database-url-file", "", "where to write the role's URL")
	return cmd
}

func fundCommand() *cobra.Command {
	fund := app.DefaultFund("", "", "")
	var urlFile string
	var control bool
	cmd := &cobra.Command{
		Use: "fund", Short: "Set up the fund in an empty, migrated database", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cli.Need(cmd.Flags(), "name", "network", "descriptor"); err != nil {
				return err
			}
			if !cmd.Flags().Changed("birthday-height") {
				return cli.UsageError{
					Err: errors.New(
						"--birthday-height is missing: the height of the newest block (btcctl getblockcount) for a treasury that is " +
							"new; 0 walks the whole chain",
					),
				}
			}
			url, err := ownerURL(cmd, urlFile)
			if err != nil {
				return err
			}
			made, err := app.CreateFund(cmd.Context(), url, fund)
			if err != nil {
				return err
			}
			if _, err := app.Checks(
				cmd.Context(),
				url,
				func(p *endpoint.Policy) { p.RequireControl = control },
			); err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "fund %s\n", made.ID)
			return err
		},
	}
	f := cmd.Flags()
	f.StringVar(&urlFile, "owner-url-file", "", "file with the URL of the database's owner")
	f.StringVar(&fund.Name, "name", "", "name of the fund")
	f.StringVar(&fund.Network, "network", "", "mainnet, testnet3, signet, simnet or regtest")
	f.StringVar(
		&fund.Descriptor,
		"descriptor",
		"",
		"the treasury's output descriptor with checksum, as causeway-signer init prints it",
	)
	f.Int32Var(
		&fund.BirthdayHeight,
		"birthday-height",
		0,
		"first block that can hold a deposit: today's height for a new treasury; the worker reads every block from here on",
	)
	amountFlag(cmd, &fund.Budget, "budget-sat", "budget: the sum of all grants that may ever be approved")
	amountFlag(cmd, &fund.MinAmount, "min-amount-sat", "smallest amount that one application may ask for")
	amountFlag(cmd, &fund.MaxAmount, "max-amount-sat", "largest amount that one application may ask for")
	amountFlag(cmd, &fund.MaxFee, "max-fee-sat", "highest fee of one batch")
	f.Var(
		(*money.FeeRateFlag)(&fund.MaxFeeRateSatKVB),
		"max-feerate",
		"highest feerate, in sat/vB with up to three decimals",
	)
	f.IntVar(
		&fund.MaxPayees,
		"max-payees",
		fund.MaxPayees,
		"most payments in one batch, 1 to 3000; a longer order becomes several batches",
	)
	f.Int32Var(
		&fund.DeadlineBlocks,
		"deadline-blocks",
		fund.DeadlineBlocks,
		"blocks after which a batch pays its highest feerate",
	)
	f.IntVar(
		&fund.ReadyCoins,
		"ready-coins",
		fund.ReadyCoins,
		"target number of coins that are each large enough for a batch, 0 to 20; a split is proposed when there are fewer",
	)
	f.BoolVar(
		&fund.FutureWitness,
		"future-witness",
		fund.FutureWitness,
		"allow addresses of witness versions that are not defined yet",
	)
	f.BoolVar(
		&control,
		"require-control",
		true,
		"approve and pay only applications that have proven control of their servers",
	)
	f.IntVar(&fund.Quorum, "quorum", fund.Quorum, "number of different reviewers who must agree")
	return cmd
}

func readyCoinsCommand() *cobra.Command {
	var urlFile string
	cmd := &cobra.Command{
		Use:   "ready-coins [N]",
		Short: "Show or change the target number of coins that are each large enough for a batch",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var wanted *int
			if len(args) == 1 {
				n, err := strconv.Atoi(args[0])
				if err != nil {
					return cli.UsageError{Err: fmt.Errorf("%q is not a number of coins", args[0])}
				}
				wanted = &n
			}
			url, err := ownerURL(cmd, urlFile)
			if err != nil {
				return err
			}
			n, err := app.ReadyCoins(cmd.Context(), url, wanted)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), n)
			return err
		},
	}
	cmd.Flags().StringVar(&urlFile, "owner-url-file", "", "file with the URL of the database's owner")
	return cmd
}

func amountFlag(cmd *cobra.Command, p *btcutil.Amount, name, usage string) {
	cmd.Flags().Int64Var((*int64)(p), name, int64(*p), usage)
}

func inviteCommand() *cobra.Command {
	var cfg app.ServeConfig
	var name string
	var roles []string
	var again bool
	cmd := &cobra.Command{
		Use: "invite", Short: "Print a one-time link with which a member of staff enrols a passkey", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cli.Need(cmd.Flags(), "database-url-file", "key-file", "public-url", "name"); err != nil {
				return err
			}
			var link string
			var err error
			if again {
				link, err = app.InviteAgain(cmd.Context(), cfg, name)
			} else {
				list := make([]identity.Role, len(roles))
				for i, r := range roles {
					list[i] = identity.Role(r)
				}
				link, err = app.Invite(cmd.Context(), cfg, name, list)
			}
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), link)
			return err
		},
	}
	serviceFlags(cmd.Flags(), &cfg)
	cfg.PublicURL = "" // a link to this machine would be of use to nobody
	cmd.Flags().Lookup("public-url").DefValue = ""
	cmd.Flags().StringVar(&name, "name", "", "name of this person, as colleagues see it")
	cmd.Flags().StringSliceVar(&roles, "role", nil, "reviewer, treasurer, admin or auditor; may be given several times")
	cmd.Flags().BoolVar(&again, "again", false, "another link for somebody who already works here")
	return cmd
}

func staffCommand() *cobra.Command {
	var cfg app.ServeConfig
	cmd := &cobra.Command{
		Use: "staff", Short: "List who works for the fund", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			all, err := app.ListStaff(cmd.Context(), cfg)
			if err != nil {
				return err
			}
			rows := cli.Rows{Header: []string{"NAME", "ROLES", "SINCE", "DISABLED", "ID"}}
			for _, p := range all {
				roles := make([]string, len(p.Roles))
				for i, r := range p.Roles {
					roles[i] = string(r)
				}
				rows.Cells = append(
					rows.Cells,
					[]string{
						p.Name,
						strings.Join(roles, ","),
						p.CreatedAt.Format("2006-01-02"),
						strconv.FormatBool(p.DisabledAt != nil),
						p.ID.String(),
					},
				)
			}
			return rows.Write(cmd.OutOrStdout(), cli.Table)
		},
	}
	serviceFlags(cmd.Flags(), &cfg)
	return cmd
}

func disableCommand() *cobra.Command {
	var cfg app.ServeConfig
	cmd := &cobra.Command{
		Use:   "disable NAME",
		Short: "End a person's sessions, tokens and invitations, and lock them out",
		Args:  cobra.ExactArgs(1),
		RunE:  func(cmd *cobra.Command, args []string) error { return app.Disable(cmd.Context(), cfg, args[0]) },
	}
	serviceFlags(cmd.Flags(), &cfg)
	return cmd
}

func enableCommand() *cobra.Command {
	var cfg app.ServeConfig
	cmd := &cobra.Command{
		Use:   "enable NAME",
		Short: "Let a disabled person sign in again with the passkeys they had",
		Args:  cobra.ExactArgs(1),
		RunE:  func(cmd *cobra.Command, args []string) error { return app.Enable(cmd.Context(), cfg, args[0]) },
	}
	serviceFlags(cmd.Flags(), &cfg)
	return cmd
}
