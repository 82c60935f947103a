package main

import (
	"github.com/spf13/cobra"

	"github.com/causeway-fund/causeway/internal/app"
	"github.com/causeway-fund/causeway/internal/cli"
)

func invariantsCommand() *cobra.Command {
	var urlFile string
	cmd := &cobra.Command{
		Use: "invariants", Short: "Hold the database against what must always be true, now",
		Long: "Each line is an invariant and 0, or what breaks it. The worker does the same when it starts and every\n" +
			"day, and stops signing; this command changes nothing. Exit code 5 when anything is found.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cli.Need(cmd.Flags(), "database-url-file"); err != nil {
				return err
			}
			found, err := app.Invariants(cmd.Context(), urlFile)
			if err != nil {
				return err
			}
			rows := cli.Rows{Header: []string{"INVARIANT", "FOUND"}}
			for _, name := range app.InvariantNames() {
				none := true
				for _, b := range found {
					if b.Invariant == name {
						rows.Cells, none = append(rows.Cells, []string{name, b.What}), false
					}
				}
				if none {
					rows.Cells = append(rows.Cells, []string{name, "0"})
				}
			}
			if err := rows.Write(cmd.OutOrStdout(), cli.Table); err != nil {
				return err
			}
			if len(found) > 0 {
				return cli.ErrChecksFailed
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&urlFile, "database-url-file", "", "file with the URL of the database, of any of its roles")
	return cmd
}
