package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/causeway-fund/causeway/internal/cli"
	"github.com/causeway-fund/causeway/internal/signer/signer"
)

// shownAtOnce is how many bytes of the journal are held while it is printed.
const shownAtOnce = 1 << 20

func journalCommand() *cobra.Command {
	var path string
	cmd := &cobra.Command{Use: "journal", Short: "Look at the journal; this does not disturb a running signer"}
	cmd.PersistentFlags().StringVar(&path, "journal", "", "the journal")
	read := func(cmd *cobra.Command) (*signer.Journal, error) {
		if err := cli.Need(cmd.Flags(), "journal"); err != nil {
			return nil, err
		}
		j, err := signer.ReadJournal(path)
		if err != nil {
			return nil, explainJournal(err, path)
		}
		return j, nil
	}
	cmd.AddCommand(
		&cobra.Command{
			Use:   "verify",
			Short: "Check every line, the chain of hashes and the checkpoint",
			Args:  cobra.NoArgs,
			RunE: func(cmd *cobra.Command, _ []string) error {
				j, err := read(cmd)
				if err != nil {
					return err
				}
				_, err = fmt.Fprintf(
					cmd.OutOrStdout(),
					"ok: %d records, head %s, torn bytes %d\n",
					j.Count(),
					j.Head(),
					j.Repaired,
				)
				return err
			},
		},
		&cobra.Command{
			Use:   "show",
			Short: "Print the records, one JSON object per line",
			Args:  cobra.NoArgs,
			RunE: func(cmd *cobra.Command, _ []string) error {
				j, err := read(cmd)
				if err != nil {
					return err
				}
				for printed := int64(0); printed < j.Count(); {
					lines, err := j.Lines(printed, shownAtOnce)
					if err != nil {
						return err
					}
					for _, line := range lines {
						if _, err := fmt.Fprintf(cmd.OutOrStdout(), "%s\n", line); err != nil {
							return fmt.Errorf("print record: %w", err)
						}
					}
					printed += int64(len(lines))
				}
				return nil
			},
		},
	)
	return cmd
}
