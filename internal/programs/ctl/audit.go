package ctl

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/causeway-fund/causeway/api/client"
	"github.com/causeway-fund/causeway/internal/cli"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/trust/audit"
)

func (a *app) auditCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Verify the fund's audit log",
		Long: "Verify the fund's audit log with its public key. Get the key from somewhere other than the server that you\n" +
			"check, and keep checkpoints: only they show later that a log was cut off or forked.",
	}
	return group(
		cmd,
		a.auditVerifyCommand(),
		a.auditChainCommand(),
		a.auditExportCommand(),
		a.auditCheckpointCommand(),
		a.auditProofCommand(),
	)
}

// verifier is the flags of what a log is verified against.
type verifier struct{ key, keyFile string }

func (v *verifier) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&v.key, "key", "", "the log's public key")
	cmd.Flags().StringVar(&v.keyFile, "key-file", "", "file with the log's public key")
}

func (v *verifier) read() (string, error) {
	if (v.key == "") == (v.keyFile == "") {
		return "", cli.UsageError{Err: errors.New("give either --key or --key-file")}
	}
	if v.key != "" {
		return v.key, nil
	}
	text, err := os.ReadFile(v.keyFile)
	if err != nil {
		return "", cli.UsageError{Err: fmt.Errorf("--key-file: %w", err)}
	}
	return strings.TrimSpace(string(text)), nil
}

func readKnown(paths []string) ([]string, error) {
	known := make([]string, len(paths))
	for i, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, cli.UsageError{Err: fmt.Errorf("--known: %w", err)}
		}
		known[i] = string(text)
	}
	return known, nil
}

// verdict makes code 5 of what the verifier of package audit found. A bundle
// that is none stays an error of its own.
func verdict(err error) error {
	if errs.Is(err, audit.CodeAuditBroken) || errs.Is(err, audit.CodeCheckpointRefused) ||
		errs.Is(err, audit.CodeNotEarlier) {
		return checkFailed("%s", userText(err))
	}
	return err
}

func (a *app) auditVerifyCommand() *cobra.Command {
	var v verifier
	var bundle string
	var known []string
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Verify the whole log, from the server or offline from a bundle",
		Args:  cobra.NoArgs,
		Long: "Verify the whole log, from the server or offline from a bundle. Exit code 5 when a row was dropped,\n" +
			"altered, swapped or cut off; the first such row is named. A checkpoint that the key did not sign is named and\n" +
			"ignored: the newest valid one counts.",
	}
	v.flags(cmd)
	cmd.Flags().StringVar(
		&bundle,
		"bundle",
		"",
		"file written by causewayctl audit export, or - for standard input (default: the server)",
	)
	cmd.Flags().StringArrayVar(&known, "known", nil, "file with a checkpoint that you kept; may be given several times")
	verify := func(c *call) (page, error) {
		key, err := v.read()
		if err != nil {
			return page{}, err
		}
		kept, err := readKnown(known)
		if err != nil {
			return page{}, err
		}
		text, err := c.bundle(bundle)
		if err != nil {
			return page{}, err
		}
		report, err := audit.VerifyBundle(bytes.NewReader(text), key, kept...)
		if report.Size == 0 && report.Finding == nil {
			return page{}, verdict(err)
		}
		if report.Uncovered > 0 {
			c.talk("The last %d rows are not covered by a checkpoint yet.", report.Uncovered)
		}
		return page{value: report, parts: withRows(reportPart(report), badCheckpoints(report))}, verdict(err)
	}
	a.online(staff, cmd, verify)
	fromServer := cmd.RunE
	a.local(cmd, verify)
	fromFile := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if bundle == "" {
			return fromServer(cmd, args)
		}
		return fromFile(cmd, args)
	}
	return cmd
}

// bundle reads the log from a file, or from the server for "".
func (c *call) bundle(path string) ([]byte, error) {
	switch path {
	case "":
		answer, err := c.api.GetAuditBundleWithResponse(c.ctx)
		if err != nil {
			return nil, err
		}
		if answer.JSON200 == nil {
			return nil, errNoFund()
		}
		return answer.Body, nil
	case "-":
		return io.ReadAll(c.stdin())
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, cli.UsageError{Err: fmt.Errorf("--bundle: %w", err)}
	}
	return text, nil
}

func reportPart(r audit.Report) part {
	result := "every row is as it was signed"
	if r.Finding != nil {
		result = r.Finding.String()
	}
	passedOver := ""
	if n := len(r.BadCheckpoints); n > 0 {
		passedOver = itoa(n)
	}
	return record(
		"result",
		result,
		"origin",
		r.Origin,
		"size",
		itoa(r.Size),
		"root",
		r.Root,
		"rows_checked",
		itoa(r.Rows),
		"checkpoints_checked",
		itoa(r.Checkpoints),
		"checkpoints_passed_over",
		passedOver,
		"rows_not_covered_yet",
		itoa(r.Uncovered),
	)
}

func badCheckpoints(r audit.Report) part {
	return table(
		"Checkpoints that were ignored",
		[]string{"PLACE", "BEGINS"},
		r.BadCheckpoints,
		func(b audit.BadCheckpoint) []string {
			return []string{itoa(b.Place), b.Says}
		},
	)
}

func (a *app) auditExportCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "export", Short: "Write the whole log, to verify it elsewhere", Args: cobra.NoArgs}
	return a.online(staff, cmd, func(c *call) (page, error) {
		text, err := c.bundle("")
		return page{raw: text}, err
	})
}

func (a *app) auditCheckpointCommand() *cobra.Command {
	var v verifier
	var known string
	cmd := &cobra.Command{
		Use:   "checkpoint",
		Short: "Fetch the newest checkpoint, to keep it",
		Args:  cobra.NoArgs,
		Long: "Fetch the newest checkpoint, verify it and write it, to be kept. With --known, the log must also contain\n" +
			"all that the checkpoint in that file covered; exit code 5 when it does not. This needs no token: anybody can be\n" +
			"a witness.",
	}
	v.flags(cmd)
	cmd.Flags().StringVar(&known, "known", "", "file with a checkpoint that you kept")
	return a.online(nobody, cmd, func(c *call) (page, error) {
		key, err := v.read()
		if err != nil {
			return page{}, err
		}
		latest, err := ok200(c.api.GetCheckpointWithResponse(c.ctx))
		if err != nil {
			return page{}, err
		}
		newest, err := audit.OpenCheckpoint(latest.Note, key)
		if err != nil {
			return page{}, verdict(err)
		}
		if known != "" {
			kept, err := readKnown([]string{known})
			if err != nil {
				return page{}, err
			}
			if newest, latest.Note, err = c.grown(kept[0], key, newest, latest.Note); err != nil {
				return page{}, verdict(err)
			}
		}
		c.talk("%d rows, root %s", newest.Size, newest.Root)
		return page{raw: []byte(latest.Note)}, nil
	})
}

// grown checks that the log of the newest checkpoint begins with the log of the
// one that was kept, and returns the newest as the proof has it: it may have
// grown meanwhile.
func (c *call) grown(kept, key string, newest audit.Checkpoint, signed string) (audit.Checkpoint, string, error) {
	old, err := audit.OpenCheckpoint(kept, key)
	if err != nil {
		return newest, signed, err
	}
	if old.Size == 0 {
		return newest, signed, nil // every log begins with an empty one
	}
	if old.Size > newest.Size {
		return newest, signed, checkFailed("The log was cut off: it had %d rows and has %d now.", old.Size, newest.Size)
	}
	if old.Size == newest.Size {
		return newest, signed, sameLog(old, newest)
	}
	answer, err := ok200(
		c.api.GetConsistencyProofWithResponse(c.ctx, &client.GetConsistencyProofParams{From: old.Size}),
	)
	if err != nil {
		return newest, signed, err
	}
	hashes, err := proofHashes(answer.Hashes)
	if err != nil {
		return newest, signed, err
	}
	// The proof is held against the checkpoint that was kept, whatever the
	// server calls the old one.
	if err := (audit.Consistency{Old: kept, New: answer.New, Hashes: hashes}).Verify(key); err != nil {
		return newest, signed, err
	}
	proven, err := audit.OpenCheckpoint(answer.New, key)
	if err != nil {
		return newest, signed, err
	}
	if proven.Size < newest.Size {
		return newest, signed, checkFailed("The server proved an older checkpoint than its newest one.")
	}
	return proven, answer.New, sameLog(proven, newest)
}

// sameLog refuses two checkpoints of one size with different roots.
func sameLog(x, y audit.Checkpoint) error {
	if x.Size == y.Size && x.Root != y.Root {
		return checkFailed("The log was forked: two signed checkpoints of %d rows differ.", x.Size)
	}
	return nil
}

func proofHashes(list [][]byte) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(list))
	for i, h := range list {
		if len(h) != tlog.HashSize {
			return nil, checkFailed("The proof has a hash of %d bytes.", len(h))
		}
		out[i] = tlog.Hash(h)
	}
	return out, nil
}

func (a *app) auditProofCommand() *cobra.Command {
	var v verifier
	cmd := &cobra.Command{
		Use:   "proof SEQ",
		Short: "Prove here that a row is in the log",
		Args:  cobra.ExactArgs(1),
		Long: "Fetch a row with the proof that it is in the log of the newest checkpoint, and verify the proof here. Exit\n" +
			"code 5 when the proof fails.",
	}
	v.flags(cmd)
	return a.online(staff, cmd, func(c *call) (page, error) {
		key, err := v.read()
		if err != nil {
			return page{}, err
		}
		seq, err := strconv.ParseInt(c.args[0], 10, 64)
		if err != nil || seq < 0 {
			return page{}, cli.UsageError{Err: fmt.Errorf("%q is not a row number; the first row is 0", c.args[0])}
		}
		answer, err := ok200(c.api.GetInclusionProofWithResponse(c.ctx, &client.GetInclusionProofParams{Seq: seq}))
		if err != nil {
			return page{}, err
		}
		hashes, err := proofHashes(answer.Hashes)
		if err != nil {
			return page{}, err
		}
		// With the row that was asked for, so that the proof of another one fails.
		proof := audit.Inclusion{Seq: seq, Leaf: answer.Leaf, Checkpoint: answer.Checkpoint, Hashes: hashes}
		if err := proof.Verify(key); err != nil {
			return page{}, verdict(err)
		}
		leaf, err := audit.ParseLeaf([]byte(proof.Leaf))
		if err != nil {
			return page{}, checkFailed("Row %d cannot be read.", seq)
		}
		return page{
			value: proof,
			parts: []part{
				record(
					"result",
					"the row is in the signed log",
					"seq",
					itoa(leaf.Seq),
					"at",
					leaf.At,
					"action",
					leaf.Action,
					"actor",
					leaf.Actor,
					"object",
					leaf.ObjectKind+" "+leaf.ObjectID,
					"from",
					leaf.From,
					"to",
					leaf.To,
					"digest",
					leaf.Digest,
				),
			},
		}, nil
	})
}
