package main

import (
	"github.com/spf13/cobra"

	"github.com/causeway-fund/causeway/internal/cli"
	"github.com/causeway-fund/causeway/internal/programs/app"
)

func invariantsCommand() *cobra.Command {
	var urlFile, keyFile string
	cmd := &cobra.Command{
		Use:   "invariants",
		Short: "Check the invariants of the database now",
		Long: "Each line is an invariant and 0, or what violates it. The worker checks the same when it starts and every\n" +
			"day, and stops signing; this command changes nothing. Exit code 5 when anything is found. Lines of\n" +
			"\"worth knowing\" are not violations: a checkpoint of the audit log that nobody signed, an approval that was\n" +
			"lost when the database was restored.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cli.Need(cmd.Flags(), "database-url-file"); err != nil {
				return err
			}
			found, err := app.Invariants(cmd.Context(), urlFile, keyFile)
			if err != nil {
				return err
			}
			rows := cli.Rows{Header: []string{"INVARIANT", "FOUND"}}
			for _, name := range app.InvariantNames() {
				none := true
				for _, b := range found.Breaches {
					if b.Invariant == name {
						rows.Cells, none = append(rows.Cells, []string{name, b.What}), false
					}
				}
				if none {
					rows.Cells = append(rows.Cells, []string{name, "0"})
				}
			}
			switch {
			case !found.LogRead:
				rows.Cells = append(
					rows.Cells,
					[]string{"signed log", "not checked (no --audit-public-key-file given)"},
				)
			case len(found.Log) == 0:
				rows.Cells = append(rows.Cells, []string{"signed log", "0"})
			}
			for _, what := range found.Log {
				rows.Cells = append(rows.Cells, []string{"signed log", what})
			}
			for _, what := range found.Known {
				rows.Cells = append(rows.Cells, []string{"worth knowing", what})
			}
			if err := rows.Write(cmd.OutOrStdout(), cli.Table); err != nil {
				return err
			}
			if len(found.Breaches)+len(found.Log) > 0 {
				return cli.ErrChecksFailed
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&urlFile, "database-url-file", "", "file with the database URL of any role")
	cmd.Flags().StringVar(
		&keyFile,
		"audit-public-key-file",
		"",
		"file with the public key of the audit log, to check its signed checkpoints too",
	)
	return cmd
}
