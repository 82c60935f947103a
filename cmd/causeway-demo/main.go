package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/causeway-fund/causeway/internal/cli"
	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/programs/demo"
	"github.com/causeway-fund/causeway/internal/testkit/devnet/pgserver"
)

func main() { os.Exit(cli.Main(root())) }

func root() *cobra.Command {
	cfg := demo.Config{Log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))}
	var journey, asJSON, reset bool
	cmd := &cobra.Command{
		Use:   "causeway-demo",
		Short: "Run everything on this machine, with coins that are worth nothing",
		Long: "causeway-demo runs PostgreSQL, btcd, the signer, the worker, the dashboard and sample servers on this\n" +
			"machine's loopback addresses. It uses the programs that lie beside it. Several demos can run at once, each\n" +
			"with a --dir and a --port of its own.\n\nEvery flag can be given as CAUSEWAY_DEMO_NAME too.",
		Version: cli.Version(),
		Args:    cobra.NoArgs,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			return cli.BindEnv(cmd.Flags(), "CAUSEWAY_DEMO")
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			if reset {
				return forget(cmd, cfg.Dir)
			}
			self, err := os.Executable()
			if err != nil {
				return fmt.Errorf("find this program's own path: %w", err)
			}
			cfg.Programs = filepath.Dir(self)
			progress := cli.NewProgress(os.Stderr, clock.Real{})
			if journey {
				return runJourney(cmd, cfg, progress, asJSON)
			}
			if asJSON {
				return cli.UsageError{Err: errors.New("--json works only with --journey")}
			}
			return demo.Run(cmd.Context(), cfg, progress, cmd.OutOrStdout())
		},
	}
	f := cmd.Flags()
	f.StringVar(&cfg.Dir, "dir", ".causeway", "where the demo's data is kept")
	f.IntVar(&cfg.Port, "port", 8080, "port of the dashboard")
	f.DurationVar(&cfg.BlockEvery, "block-every", 10*time.Second, "how often a block is mined")
	f.BoolVar(
		&journey,
		"journey",
		false,
		"pay one application from receipt to six confirmations, prove it on the chain, and end",
	)
	f.BoolVar(
		&reset,
		"reset",
		false,
		"remove the demo's data from --dir, and end; refused while it runs or when anything else is in there",
	)
	f.BoolVar(&asJSON, "json", false, "print the journey's result as one JSON object")
	return cmd
}

// forget removes the data of the demo in dir.
func forget(cmd *cobra.Command, dir string) error {
	found, err := demo.Reset(dir)
	if err != nil {
		return err
	}
	words := "removed the demo's data in " + dir
	if !found {
		words = "there is no demo in " + dir
	}
	_, err = fmt.Fprintln(cmd.OutOrStdout(), words)
	return err
}

func runJourney(cmd *cobra.Command, cfg demo.Config, progress *cli.Progress, asJSON bool) (err error) {
	dir, err := pgserver.TempDir("causeway-journey-")
	if err != nil {
		return err
	}
	defer func() {
		if removeErr := os.RemoveAll(dir); err == nil {
			err = removeErr
		}
	}()
	cfg.Dir = dir
	result, err := demo.Journey(cmd.Context(), cfg, progress)
	if err != nil {
		return err
	}
	if asJSON {
		if err := json.NewEncoder(cmd.OutOrStdout()).Encode(result); err != nil {
			return err
		}
	} else {
		rows := cli.Rows{Header: []string{"CHECK", "OK", "GOT", "WANT"}}
		for _, c := range result.Checks {
			rows.Cells = append(rows.Cells, []string{c.Name, strconv.FormatBool(c.OK), c.Got, c.Want})
		}
		if err := rows.Write(cmd.OutOrStdout(), cli.Table); err != nil {
			return err
		}
	}
	if !result.OK() {
		return cli.ErrChecksFailed
	}
	return nil
}
