package ctl

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/causeway-fund/causeway/api/client"
	"github.com/causeway-fund/causeway/internal/cli"
	"github.com/causeway-fund/causeway/internal/errs"
)

// maxPSBTBytes is the largest PSBT file that is sent, as text in hex.
const maxPSBTBytes = 16<<20 + 64<<10

func (a *app) batchBumpCommand() *cobra.Command {
	var rate int64
	cmd := &cobra.Command{
		Use:   "bump ID",
		Short: "Ask for a higher feerate of a batch that waits for a block",
		Args:  cobra.ExactArgs(1),
		Long: "Ask for a higher feerate of a batch that waits for a block. It is replaced by a transaction that pays the\n" +
			"same payees. What was approved stays the limit, so nobody has to approve again.",
	}
	feeRateFlag(cmd, &rate, "feerate", "feerate: from raise_least to raise_most of the batch (causewayctl batch show)")
	return a.online(staff, cmd, func(c *call) (page, error) {
		if rate == 0 {
			return page{}, cli.UsageError{Err: errors.New("--feerate is missing; see --help")}
		}
		b, err := c.batch()
		if err != nil {
			return page{}, err
		}
		return summarised(
			ok200(
				c.api.BumpBatchWithResponse(
					c.ctx,
					b.Id,
					&client.BumpBatchParams{IfMatch: etag(b.Version)},
					client.Bump{FeerateSatKvb: rate},
				),
			),
		)
	})
}

func (a *app) batchVoidCommand() *cobra.Command {
	var reason string
	var cancel []string
	var rate int64
	var yes bool
	cmd := &cobra.Command{
		Use:   "void ID",
		Short: "Ask to take back a batch after a signer was asked",
		Args:  cobra.ExactArgs(1),
		Long: "Ask to take back a batch after a signer was asked. Another treasurer must agree (causewayctl batch\n" +
			"approve-void) within 24 hours; until then nothing changes, and the request can be withdrawn (batch\n" +
			"withdraw-void). Once agreed, a replacement that pays nobody is signed. Until that is as deep as final, any\n" +
			"transaction of the batch may still be paid. After that its payments are payable again, and those of\n" +
			"--cancel-instalment are cancelled.",
	}
	f := cmd.Flags()
	f.StringVar(&reason, "reason", "", "why; up to 500 characters")
	f.StringSliceVar(
		&cancel,
		"cancel-instalment",
		nil,
		"id of an instalment that is to be cancelled; may be given several times",
	)
	feeRateFlag(cmd, &rate, "feerate", "feerate of the replacement (default: a quarter more than now)")
	f.BoolVar(&yes, "yes", false, "do not ask for confirmation")
	return a.online(staff, making(cmd), func(c *call) (page, error) {
		body := client.VoidOrder{Reason: reason, FeerateSatKvb: given(rate)}
		if reason == "" {
			return page{}, cli.UsageError{Err: errors.New("--reason is missing; see --help")}
		}
		var ids []uuid.UUID
		for _, text := range cancel {
			id, err := uuid.Parse(text)
			if err != nil {
				return page{}, cli.UsageError{Err: fmt.Errorf("--cancel-instalment: %q is not an ID", text)}
			}
			ids = append(ids, id)
		}
		body.CancelIds = nonEmpty(ids)
		b, err := c.batch()
		if err != nil {
			return page{}, err
		}
		question := fmt.Sprintf(
			"Batch %d is %s, pays %d payees and may be paid until the replacement is final. To ask for that, type its number: ",
			b.Number,
			clean(string(b.State)),
			b.Payees,
		)
		if err := c.confirm(yes, question, itoa(b.Number)); err != nil {
			return page{}, err
		}
		return summarised(
			ok201(
				c.api.AskVoidWithResponse(
					c.ctx,
					b.Id,
					&client.AskVoidParams{IfMatch: etag(b.Version), IdempotencyKey: c.key()},
					body,
				),
			),
		)
	})
}

func (a *app) batchApproveVoidCommand() *cobra.Command {
	var digest string
	var yes, dry bool
	cmd := &cobra.Command{
		Use:   "approve-void ID",
		Short: "Agree to take back a batch, after a check of its notes",
		Args:  cobra.ExactArgs(1),
		Long: "Agree to take back a batch, as another treasurer asked. The void note and the batch's own note are checked\n" +
			"here; when the server shows anything else, nothing is sent and the exit code is 5.",
	}
	cmd.Flags().StringVar(
		&digest,
		"digest",
		"",
		"continue only if the void note has this digest, which you have read before",
	)
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask for confirmation")
	cmd.Flags().BoolVar(&dry, "dry-run", false, "check and show the note; nothing is sent")
	return a.online(staff, cmd, func(c *call) (page, error) {
		b, err := c.batch()
		if err != nil {
			return page{}, err
		}
		own, err := checkNote(b)
		if err != nil {
			return page{}, err
		}
		note, err := checkVoid(b, own)
		if err != nil {
			return page{}, err
		}
		c.showVoid(b, own)
		if err := readBefore(digest, note.Digest()); err != nil {
			return page{}, err
		}
		if b.Void.ApprovedBy != nil {
			return page{}, errs.New(
				errs.Conflict,
				errs.CodeWrongState,
				"Somebody has agreed to this already. Nothing was sent.",
			)
		}
		if dry {
			c.talk("Nothing was sent. Without --dry-run this would agree to take back batch %d.", note.Number)
			return page{}, nil
		}
		if err := c.confirm(yes, "To agree, type the batch's number: ", itoa(int64(note.Number))); err != nil {
			return page{}, err
		}
		params := client.ApproveVoidParams{IfMatch: etag(b.Version)}
		return summarised(
			ok200(c.api.ApproveVoidWithResponse(c.ctx, b.Id, &params, client.Approval{Digest: note.Digest().String()})),
		)
	})
}

func (a *app) batchWithdrawVoidCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "withdraw-void ID",
		Short: "Withdraw a request to take back a batch",
		Args:  cobra.ExactArgs(1),
		Long: "Withdraw a request to take back a batch, while nobody has agreed. Any treasurer may; the batch continues\n" +
			"as if nobody had asked. A request that nobody agrees to expires after 24 hours.",
	}
	return a.online(staff, cmd, func(c *call) (page, error) {
		b, err := c.batch()
		if err != nil {
			return page{}, err
		}
		return summarised(
			ok200(c.api.WithdrawVoidWithResponse(c.ctx, b.Id, &client.WithdrawVoidParams{IfMatch: etag(b.Version)})),
		)
	})
}

// showVoid tells the person what a yes to the void brings about.
func (c *call) showVoid(b client.Batch, own checked) {
	v := *b.Void
	c.talk(
		"Batch %d on %s, %s: %s asked to take it back.",
		own.number,
		own.network.Name,
		clean(string(b.State)),
		clean(v.AskedBy),
	)
	c.talk("Reason   %s", clean(v.Reason))
	for _, p := range own.payees {
		fate := "payable again"
		if slices.Contains(v.CancelIds, p.item.InstalmentId) {
			fate = "CANCELLED"
		}
		c.talk(
			"%s %s, %d sat: %s once the void is final",
			clean(p.item.Reference),
			clean(p.item.Designation),
			p.sat,
			fate,
		)
	}
	c.talk(
		"Max fee  %s; some %s if it were made when it was asked for",
		sats(own.maxFee),
		sats(btcutil.Amount(v.FeeSat)),
	)
	c.talk("Digest   %s, computed here", clean(v.Digest))
}

func (a *app) batchSignaturesCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "signatures ID",
		Short: "Show who has signed, and what is missing",
		Args:  cobra.ExactArgs(1),
	}
	return a.online(staff, cmd, func(c *call) (page, error) {
		id, err := c.id()
		if err != nil {
			return page{}, err
		}
		return signed(ok200(c.api.GetSignaturesWithResponse(c.ctx, id)))
	})
}

func signed(s client.Signatures, err error) (page, error) {
	if err != nil {
		return page{}, err
	}
	return page{value: s, parts: []part{signaturesPart("", s)}}, nil
}

func (a *app) batchPSBTCommand() *cobra.Command {
	return group(&cobra.Command{Use: "psbt", Short: "Sign a batch elsewhere: export its PSBT, import what was signed"},
		a.psbtExportCommand(), a.psbtImportCommand(),
	)
}

func (a *app) psbtExportCommand() *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:   "export ID",
		Short: "Write the PSBT of a batch that waits for signatures",
		Args:  cobra.ExactArgs(1),
		Long: "Write the PSBT of a batch that waits for signatures: base64 on standard output, or, with --file, the file\n" +
			"that wallets open. An existing file is not overwritten.",
	}
	cmd.Flags().StringVar(&path, "file", "", "file to write, for example batch.psbt")
	return a.online(staff, cmd, func(c *call) (page, error) {
		id, err := c.id()
		if err != nil {
			return page{}, err
		}
		answer, err := c.api.ExportPsbtWithResponse(c.ctx, id, &client.ExportPsbtParams{})
		if err != nil {
			return page{}, err
		}
		if !bytes.HasPrefix(answer.Body, []byte("psbt\xff")) {
			return page{}, errNoFund()
		}
		if s, err := ok200(c.api.GetSignaturesWithResponse(c.ctx, id)); err == nil && s.PsbtWithoutPrevTxs {
			c.talk(
				"The previous transactions were left out: with them the file would be larger than 8 MiB. A device that needs " +
					"them will refuse it.",
			)
		}
		if path == "" {
			return page{raw: []byte(base64.StdEncoding.EncodeToString(answer.Body) + "\n")}, nil
		}
		if err := writeNew("file", path, answer.Body); err != nil {
			return page{}, err
		}
		c.talk("%s is written. Sign it, then: causewayctl batch psbt import %s %s", path, id, path)
		return page{}, nil
	})
}

func (a *app) psbtImportCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "import ID FILE",
		Short: "Import a signed PSBT or the finished transaction",
		Args:  cobra.ExactArgs(2),
		Long: "Import what was signed elsewhere: a PSBT of version 0 or 2, or the finished transaction; binary, base64 or\n" +
			"hex; - for standard input. If anything but signatures has changed in it, it is refused and the difference is\n" +
			"named.",
	}
	return a.online(staff, cmd, func(c *call) (page, error) {
		id, err := c.id()
		if err != nil {
			return page{}, err
		}
		raw, err := c.readFile(c.args[1], maxPSBTBytes)
		if err != nil {
			return page{}, err
		}
		return signed(
			ok200(c.api.ImportPsbtWithBodyWithResponse(c.ctx, id, "application/octet-stream", bytes.NewReader(raw))),
		)
	})
}
