package ctl

import (
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/spf13/cobra"

	"github.com/causeway-fund/causeway/internal/cli"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/payout/certificate"
)

// minConfirmations is what most people wait for before they count a payment.
const minConfirmations = 6

var blockHashForm = regexp.MustCompile(`^[0-9a-fA-F]{64}$`)

// verified is the outcome of one certificate. The fields of the payment are set
// as far as the file could be read.
type verified struct {
	File      string             `json:"file"`
	Network   string             `json:"network,omitempty"`
	Reference string             `json:"reference,omitempty"`
	Digest    string             `json:"decision_digest,omitempty"`
	AmountSat int64              `json:"amount_sat,omitempty"`
	Address   string             `json:"address,omitempty"`
	Output    string             `json:"output,omitempty"` // txid:vout
	BlockHash string             `json:"block_hash,omitempty"`
	Height    int32              `json:"height,omitempty"`
	Report    certificate.Report `json:"report"`
}

func (a *app) verifyCommand() *cobra.Command {
	var opt certificate.Options
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "verify FILE...",
		Short: "Verify payment certificates offline",
		Args:  cobra.MinimumNArgs(1),
		Long: "Verify payment certificates offline: that the decision's note is whole, that an output pays exactly what\n" +
			"it says, that the transaction is in its block, and the work of the headers. Exit code 0 only when everything\n" +
			"holds, 1 when anything does not, and when two files show the same output. FILE may be - for standard input.\n\n" +
			"No file can show that its block is on the chain of today: look the height up with a node or a block explorer\n" +
			"that you trust, and pass the hash it shows as --block-hash.",
	}
	cmd.Flags().IntVar(
		&opt.MinConfirmations,
		"min-confirmations",
		minConfirmations,
		"block headers that must be given, the payment's block included",
	)
	cmd.Flags().StringVar(
		&opt.BlockHash,
		"block-hash",
		"",
		"hash of the block at the certificate's height, from a node or an explorer; works with one FILE",
	)
	cmd.Flags().BoolVar(&asJSON, "json", false, "write JSON, as -o json does")
	a.local(cmd, func(c *call) (page, error) {
		switch {
		case opt.MinConfirmations < 1:
			return page{}, cli.UsageError{Err: errors.New("--min-confirmations must be at least 1")}
		case opt.BlockHash != "" && len(c.args) > 1:
			return page{}, cli.UsageError{Err: errors.New("--block-hash works with one FILE only")}
		case opt.BlockHash != "" && !blockHashForm.MatchString(opt.BlockHash):
			return page{}, cli.UsageError{
				Err: fmt.Errorf("--block-hash: %q is not 64 hexadecimal digits", opt.BlockHash),
			}
		}
		list := make([]verified, len(c.args))
		for i, path := range c.args {
			text, err := c.certificate(path)
			if err != nil {
				return page{}, err
			}
			list[i] = verifyOne(path, text, opt)
		}
		nameShared(list)
		return verifyPage(list), firstFault(list)
	})
	run := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if asJSON {
			a.format = string(cli.JSON)
		}
		return run(cmd, args)
	}
	cmd.AddCommand(a.verifyApprovalsCommand())
	return cmd
}

// certificate reads a file, or standard input for "-".
func (c *call) certificate(path string) ([]byte, error) {
	var in io.Reader = c.stdin()
	if path != "-" {
		file, err := os.Open(path)
		if err != nil {
			return nil, cli.UsageError{Err: err}
		}
		defer func() { _ = file.Close() }() // it was only read
		in = file
	}
	text, err := io.ReadAll(io.LimitReader(in, certificate.MaxBytes+1)) // Parse refuses what is longer
	if err != nil {
		return nil, fmt.Errorf("read certificate: %w", err)
	}
	return text, nil
}

func verifyOne(path string, text []byte, opt certificate.Options) verified {
	cert, err := certificate.Parse(text)
	if err != nil {
		fault := certificate.Line{Check: "form", Text: userText(err)}
		return verified{File: path, Report: certificate.Report{Lines: []certificate.Line{fault}}}
	}
	return verified{
		File:      path,
		Network:   cert.Network,
		Reference: cert.Reference,
		Digest:    cert.DecisionDigest,
		AmountSat: cert.AmountSat,
		Address:   cert.Address,
		Output: cert.TxID + ":" + strconv.FormatUint(
			uint64(cert.Vout),
			10,
		),
		BlockHash: cert.BlockHash,
		Height:    cert.Height,
		Report:    cert.Verify(opt),
	}
}

// nameShared fails files that show one output as the payment of two decisions,
// or one payment twice: each alone would hold.
func nameShared(list []verified) {
	first := map[string]int{}
	for i := range list {
		v := &list[i]
		at, seen := first[v.Output]
		if v.Output == "" {
			continue
		}
		if !seen {
			first[v.Output] = i
			continue
		}
		text := fmt.Sprintf("%s shows the same output. One output pays one decision.", list[at].File)
		v.Report.Lines = append(v.Report.Lines, certificate.Line{Check: "shared", Text: text})
		v.Report.OK = false
	}
}

func firstFault(list []verified) error {
	failed := 0
	var first *verified
	for i := range list {
		if !list[i].Report.OK {
			failed++
			if first == nil {
				first = &list[i]
			}
		}
	}
	if first == nil {
		return nil
	}
	why := userText(first.Report.Err())
	if len(list) == 1 {
		return refused("The certificate does not hold. %s", clean(why))
	}
	return refused(
		"%d of %d certificates do not hold. The first is %s: %s",
		failed,
		len(list),
		clean(first.File),
		clean(why),
	)
}

// refused ends the program with code 1, as a difference of audit chain does: a
// script asks one question, and any other end than 0 is a no.
func refused(format string, args ...any) error {
	return errs.Newf(errs.Invalid, certificate.CodeCertificateRefused, format, args...)
}

func verifyPage(list []verified) page {
	summary := table(
		"",
		[]string{"FILE", "RESULT", "REFERENCE", "AMOUNT_SAT", "ADDRESS", "OUTPUT", "BLOCK", "HEIGHT"},
		list,
		func(v verified) []string {
			return []string{
				v.File,
				verdictOf(v.Report.OK),
				v.Reference,
				itoa(v.AmountSat),
				v.Address,
				v.Output,
				v.BlockHash,
				itoa(v.Height),
			}
		},
	)
	parts := []part{summary}
	for _, v := range list {
		if len(list) == 1 {
			amount, height := "", ""
			if v.Output != "" {
				amount, height = sats(btcutil.Amount(v.AmountSat)), itoa(v.Height)
			}
			parts[0] = record(
				"file",
				v.File,
				"result",
				verdictOf(v.Report.OK),
				"network",
				v.Network,
				"reference",
				v.Reference,
				"decision",
				v.Digest,
				"amount",
				amount,
				"address",
				v.Address,
				"output",
				v.Output,
				"block",
				v.BlockHash,
				"height",
				height,
			)
		}
		lines := table(
			"What was checked in "+clean(v.File)+":",
			[]string{"", ""},
			v.Report.Lines,
			func(l certificate.Line) []string {
				return []string{"  " + verdictOf(l.OK), l.Text}
			},
		)
		lines.plain = true
		parts = append(parts, lines)
	}
	if list[0].Report.OK {
		open := table(
			"What a file cannot show:",
			[]string{""},
			list[0].Report.NotProven,
			func(s string) []string { return []string{"  " + s} },
		)
		open.plain = true
		parts = append(parts, open)
	}
	return page{value: list, parts: parts}
}

func verdictOf(ok bool) string {
	if ok {
		return "holds"
	}
	return "DOES NOT HOLD"
}
