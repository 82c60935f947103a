package ctl

import (
	"github.com/spf13/cobra"

	"github.com/causeway-fund/causeway/internal/cli"
	"github.com/causeway-fund/causeway/internal/trust/approval"
	"github.com/causeway-fund/causeway/internal/trust/charter"
	"github.com/causeway-fund/causeway/internal/trust/sshsig"
)

const approvalSuffix = ".approval"

func (a *app) approvalSignCommand() *cobra.Command {
	var s stance
	var key, out string
	cmd := &cobra.Command{
		Use:   "sign NOTE --key KEY",
		Short: "Approve a note by ssh",
		Args:  cobra.ExactArgs(1),
		Long: "Show a note in plain words, ask for its amount (or for the first 20 digits of its digest where it pays nobody), and have ssh-keygen\n" +
			"sign the statement. KEY is what ssh-keygen -f takes: a private key, or the public half of one that an agent or a hardware key\n" +
			"holds. The approval is a file to hand in.\n" + nothingYet,
	}
	s.flags(cmd)
	cmd.Flags().StringVar(&key, "key", "", "your ssh key: ssh-ed25519 or sk-ssh-ed25519@openssh.com")
	cmd.Flags().StringVar(
		&out,
		"out",
		"",
		"where the approval goes (default NOTE.NAME.approval, by your name in the charter)",
	)
	return a.local(cmd, func(c *call) (page, error) {
		if err := cli.Need(cmd.Flags(), "key"); err != nil {
			return page{}, err
		}
		n, err := c.noteFile(c.args[0])
		if err != nil {
			return page{}, err
		}
		statement, ch, err := c.statement(n, s, key)
		if err != nil {
			return page{}, err
		}
		if err := c.addApplication(&n, s.application); err != nil {
			return page{}, err
		}
		if err := c.consent(n, statement, ch); err != nil {
			return page{}, err
		}
		return c.approve(c.args[0], statement, ch, key, out)
	})
}

// approve has ssh-keygen sign a statement and writes the approval behind the note's own name.
func (c *call) approve(note string, s approval.Statement, ch charter.Charter, key, out string) (page, error) {
	armored, err := c.sshSign(key, s.Encode())
	if err != nil {
		return page{}, err
	}
	return writeApproval(approval.Envelope{Statement: string(s.Encode()), SSH: string(armored)}, ch, note, out)
}

// writeApproval writes an approval that counts.
func writeApproval(e approval.Envelope, ch charter.Charter, note, out string) (page, error) {
	signed, err := e.Verify(ch)
	if err != nil {
		return page{}, err
	}
	text, err := e.Encode()
	if err != nil {
		return page{}, err
	}
	name := nameIn(ch, signed.Person)
	if out == "" {
		out = note + "." + fileName(name) + approvalSuffix
	}
	if err := writeNew("out", out, append(text, '\n')); err != nil {
		return page{}, err
	}
	return page{
		value: map[string]string{
			"file":   out,
			"person": name,
			"as":     string(signed.As),
			"says":   string(signed.Says),
			"note":   signed.Note.String(),
		},
		parts: []part{
			record(
				"Approval",
				out,
				"By",
				name,
				"Key",
				signed.Key(),
				"Says",
				string(signed.Says),
				"As",
				string(signed.As),
				"Note",
				signed.Note.String(),
			),
		},
	}, nil
}

func (a *app) approvalPrintCommand() *cobra.Command {
	var s stance
	var out string
	cmd := &cobra.Command{
		Use:   "print NOTE --person NAME",
		Short: "Print the statement about a note, to sign it elsewhere",
		Args:  cobra.ExactArgs(1),
		Long: "Show a note, ask for its amount or digest, and print the statement that approves it. Sign that where the key is, with\n" +
			"  ssh-keygen -Y sign -n " + sshsig.Namespace + " -f KEY STATEMENT\n" +
			"and put both together with `causewayctl approval pack`.",
	}
	s.flags(cmd)
	cmd.Flags().StringVar(&out, "out", "", "where the statement goes (default: standard output)")
	return a.local(cmd, func(c *call) (page, error) {
		if err := cli.Need(cmd.Flags(), "person"); err != nil {
			return page{}, err
		}
		n, err := c.noteFile(c.args[0])
		if err != nil {
			return page{}, err
		}
		statement, ch, err := c.statement(n, s, "")
		if err != nil {
			return page{}, err
		}
		if err := c.addApplication(&n, s.application); err != nil {
			return page{}, err
		}
		if err := c.consent(n, statement, ch); err != nil {
			return page{}, err
		}
		if out == "" {
			return page{raw: statement.Encode()}, nil
		}
		return page{}, writeNew("out", out, statement.Encode())
	})
}

func (a *app) approvalPackCommand() *cobra.Command {
	var charterPath, out string
	cmd := &cobra.Command{
		Use:   "pack STATEMENT SIGNATURE --out FILE",
		Short: "Make an approval of a statement and its signature",
		Args:  cobra.ExactArgs(2),
		Long:  "Make an approval of a printed statement and the signature that ssh-keygen wrote over it. It is refused unless it holds.",
	}
	cmd.Flags().StringVar(
		&charterPath,
		"charter",
		"",
		"file with the charter (default: the newest that you have verified)",
	)
	cmd.Flags().StringVar(&out, "out", "", "where the approval goes")
	return a.local(cmd, func(c *call) (page, error) {
		if err := cli.Need(cmd.Flags(), "out"); err != nil {
			return page{}, err
		}
		text, err := c.smallFile(c.args[0], approval.MaxStatement)
		if err != nil {
			return page{}, err
		}
		statement, err := approval.Parse(text)
		if err != nil {
			return page{}, err
		}
		signature, err := c.smallFile(c.args[1], sshsig.MaxBytes)
		if err != nil {
			return page{}, err
		}
		ch, err := c.charterFor(signable{network: statement.Network, fund: statement.Fund}, charterPath)
		if err != nil {
			return page{}, err
		}
		e := approval.Envelope{Statement: string(text), SSH: string(signature)}
		return writeApproval(e, ch, "", out)
	})
}
