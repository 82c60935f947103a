package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/causeway-fund/causeway/internal/cli"
	"github.com/causeway-fund/causeway/internal/programs/app"
)

func charterCommand() *cobra.Command {
	var urlFile string
	cmd := &cobra.Command{
		Use:   "charter FILE SIGNATURE...",
		Short: "Take in the first charter of the fund",
		Args:  cobra.MinimumNArgs(2),
		Long: "Take in the first charter of the fund, with the ssh signatures of its trustees (causewayctl charter sign). Every later\n" +
			"one is handed in by the staff and taken in once the trustees have signed it.",
		RunE: func(cmd *cobra.Command, args []string) error {
			url, err := ownerURL(cmd, urlFile)
			if err != nil {
				return err
			}
			texts := make([][]byte, len(args))
			for i, path := range args {
				if texts[i], err = os.ReadFile(path); err != nil {
					return cli.UsageError{Err: err}
				}
			}
			made, err := app.BeginCharter(cmd.Context(), url, texts[0], texts[1:])
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "charter version %d, digest %s\n", made.Version, made.Digest())
			return err
		},
	}
	cmd.Flags().StringVar(&urlFile, "owner-url-file", "", "file with the URL of the database's owner")
	return cmd
}
