package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/cli"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/signer/signer"
	"github.com/causeway-fund/causeway/internal/signer/signerrpc"
	"github.com/causeway-fund/causeway/internal/trust/charter"
)

// comparedDigits is how much of a digest a person compares: 8 are ground in minutes.
const comparedDigits = 20

func readCharter(path string) (charter.Charter, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return charter.Charter{}, fmt.Errorf("read the charter: %w", err)
	}
	return charter.Parse(text)
}

// confirm shows a charter and has the person type the digits that the trustees read out. They
// are not shown: who could copy them would compare nothing.
func confirm(cmd *cobra.Command, c charter.Charter) error {
	if _, err := fmt.Fprintf(cmd.OutOrStdout(), "%s\n", c.Encode()); err != nil {
		return err
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "The first %d digits of its digest, as the trustees read them out: ", comparedDigits)
	line, err := bufio.NewReader(cmd.InOrStdin()).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read the digits: %w", err)
	}
	if strings.Join(strings.Fields(line), "") != c.Digest().String()[:comparedDigits] {
		return errs.New(errs.Conflict, CodeDigitsDiffer,
			"These are not the digits of this charter. Nothing was changed. Ask a second trustee before you try again.")
	}
	return nil
}

// descriptorIn returns the newest treasury of a charter that the key is one of.
func descriptorIn(c charter.Charter, key *signer.Key) (string, bool) {
	for _, t := range slices.Backward(c.Treasuries) {
		d, err := wallet.ParseChecksummed(t.Descriptor, key.Params())
		if err == nil && slices.Contains(d.Fingerprints(), key.Fingerprint()) {
			return t.Descriptor, true
		}
	}
	return "", false
}

func pinCommand() *cobra.Command {
	var socket string
	cmd := &cobra.Command{
		Use:   "pin FILE",
		Short: "Make the running signer follow a charter, whatever it had before",
		Long: "pin gives the running signer a charter once you have typed the digits of its digest that the\n" +
			"trustees read out. It binds alone when the holds of those before it are over. It is for a signer\n" +
			"without a charter, for two charters of one version, and for lost or stolen keys of trustees. Any\n" +
			"other charter goes through accept.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := cli.Need(cmd.Flags(), "socket"); err != nil {
				return err
			}
			c, err := readCharter(args[0])
			if err != nil {
				return err
			}
			if err := confirm(cmd, c); err != nil {
				return err
			}
			if err := askHost(cmd, socket, signerrpc.Host{Pin: string(c.Encode())}); err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "pinned: version %d of the charter of %s\n", c.Version, c.Name)
			return err
		},
	}
	cmd.Flags().StringVar(&socket, "socket", "", "the socket of the running signer")
	return cmd
}

func acceptCommand() *cobra.Command {
	var socket string
	cmd := &cobra.Command{
		Use:   "accept FILE",
		Short: "Hand the running signer charters, halts, resumes and decisions that a file holds",
		Long: "accept hands the running signer what people decided, from a file that the pages of the fund or\n" +
			"causewayctl make. The signer judges each by itself, so the file needs no trust.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := cli.Need(cmd.Flags(), "socket"); err != nil {
				return err
			}
			return accept(cmd, socket, args[0])
		},
	}
	cmd.Flags().StringVar(&socket, "socket", "", "the socket of the running signer")
	return cmd
}

func accept(cmd *cobra.Command, socket, path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read what was decided: %w", err)
	}
	var papers signerrpc.Papers
	if err := json.Unmarshal(text, &papers); err != nil {
		return errs.Wrap(err, errs.Invalid, errs.CodeBadRequest, "The file does not hold what people decided.")
	}
	client, err := signerrpc.New(signerrpc.Config{Socket: socket})
	if err != nil {
		return err
	}
	taken, err := client.Accept(cmd.Context(), papers)
	if err != nil {
		return err
	}
	for _, r := range taken.Refused {
		fmt.Fprintf(cmd.ErrOrStderr(), "refused %s (%s): %s\n", r.Note, r.Code, r.Message)
	}
	if len(taken.Refused) > 0 {
		return errs.Newf(
			errs.Conflict,
			CodePapersRefused,
			"%d notes were refused. The others were taken in.",
			len(taken.Refused),
		)
	}
	_, err = fmt.Fprintln(cmd.OutOrStdout(), "taken in")
	return err
}
