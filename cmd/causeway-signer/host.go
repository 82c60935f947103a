package main

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/spf13/cobra"

	"github.com/causeway-fund/causeway/internal/cli"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/signer/signer"
	"github.com/causeway-fund/causeway/internal/signer/signerrpc"
)

func haltCommand() *cobra.Command {
	var socket string
	var lift bool
	cmd := &cobra.Command{
		Use:   "halt",
		Short: "Stop this signer from signing, or let it sign again",
		Long: "halt makes the running signer refuse everything but what takes a batch back. It stays so over\n" +
			"restarts, until halt --lift is called on this host: nobody lifts it from elsewhere.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cli.Need(cmd.Flags(), "socket"); err != nil {
				return err
			}
			if err := askHost(cmd, socket, signerrpc.Host{Halt: !lift, Lift: lift}); err != nil {
				return err
			}
			said := "halted: this signer refuses everything but voids"
			if lift {
				said = "lifted: this signer signs again what its rules allow"
			}
			_, err := fmt.Fprintln(cmd.OutOrStdout(), said)
			return err
		},
	}
	cmd.Flags().StringVar(&socket, "socket", "", "the socket of the running signer")
	cmd.Flags().BoolVar(&lift, "lift", false, "lift the halt")
	return cmd
}

// askHost asks the running signer what only its own host may.
func askHost(cmd *cobra.Command, socket string, ask signerrpc.Host) error {
	client, err := signerrpc.New(signerrpc.Config{Socket: signer.HostSocket(socket)})
	if err != nil {
		return err
	}
	err = client.Host(cmd.Context(), ask)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return errs.Wrap(err, errs.Unavailable, signerrpc.CodeSignerDown,
			"No signer answers here. Start it, and call this as the user that it runs as.")
	}
	return err
}
