package ctl

import (
	"bytes"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/causeway-fund/causeway/internal/cli"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/trust/charter"
	"github.com/causeway-fund/causeway/internal/trust/decision"
	"github.com/causeway-fund/causeway/internal/trust/sshsig"
)

func (a *app) charterSignCommand() *cobra.Command {
	var key, previous, out string
	cmd := &cobra.Command{
		Use:   "sign FILE --key KEY",
		Short: "Sign a charter by ssh, as one of its trustees",
		Args:  cobra.ExactArgs(1),
		Long: "Show a charter in plain words and what it changes against the newest that you have verified, ask for the fingerprint of each\n" +
			"ssh key that is new, as its person reads it out, and for the first 20 digits of the charter's digest, and have ssh-keygen sign\n" +
			"it. The other trustees see the digits in `charter show`; they are not shown here. KEY is what ssh-keygen -f\n" +
			"takes: a private key, or the public half of one that an agent or a hardware key holds.\n" + notYet,
	}
	cmd.Flags().StringVar(&key, "key", "", "your ssh key: ssh-ed25519 or sk-ssh-ed25519@openssh.com")
	cmd.Flags().StringVar(
		&previous,
		"previous",
		"",
		"file with the version before it; needed from version 2 on, unless you have verified that with charter pin",
	)
	cmd.Flags().StringVar(
		&out,
		"out",
		"",
		"where the signature goes (default FILE.NAME.sig, by your name in the charter)",
	)
	return a.local(cmd, func(c *call) (page, error) {
		if err := cli.Need(cmd.Flags(), "key"); err != nil {
			return page{}, err
		}
		ch, err := c.charterFile(c.args[0])
		if err != nil {
			return page{}, err
		}
		if s, err := c.stands(ch); err != nil {
			return page{}, err
		} else if s.older {
			return page{}, errs.New(errs.Conflict, CodePinOlder, s.words(ch)+" Nothing was signed.")
		}
		charters, err := c.withPrevious(ch, previous)
		if err != nil {
			return page{}, err
		}
		if ch.Version > 1 && len(charters) == 1 {
			return page{}, cli.UsageError{
				Err: errors.New("--previous is missing: from version 2 on, look at what changes before you sign"),
			}
		}
		keys := without(newKeys(ch, charters[1:]), key)
		if err := c.agree(ch, charters[1:], keys); err != nil {
			return page{}, err
		}
		if err := c.typeDigest(ch, "Nothing was signed."); err != nil {
			return page{}, err
		}
		return c.signCharter(ch, charters, key, out)
	})
}

// withPrevious returns ch, and behind it the charter that it follows: the one that path names, or
// the one that was verified.
func (c *call) withPrevious(ch charter.Charter, path string) ([]charter.Charter, error) {
	s, err := c.stands(ch)
	if err != nil {
		return nil, err
	}
	old := s.before
	if path != "" {
		named, err := c.charterFile(path)
		if err != nil {
			return nil, err
		}
		if _, err := c.stands(named); err != nil {
			return nil, err
		}
		old = &named
	}
	if old == nil {
		return []charter.Charter{ch}, nil
	}
	return []charter.Charter{ch, *old}, ch.Follows(*old)
}

// agree shows what would be signed or kept and has the fingerprints of new keys typed, which it does
// not show: a person who copies from the screen has compared nothing.
func (c *call) agree(ch charter.Charter, previous []charter.Charter, keys []newKey) error {
	parts := charterWords(ch)
	for _, old := range previous {
		parts = append(
			parts,
			titled(fmt.Sprintf("AGAINST VERSION %d", old.Version), changesPart(charter.Diff(old, ch))),
		)
	}
	if err := (page{parts: hide(parts, keys)}).write(c.cmd.ErrOrStderr(), cli.Table); err != nil {
		return err
	}
	now := c.cfg.Clock.Now()
	switch {
	case !ch.Expires.After(now):
		c.talk("\nNote: this charter has expired. It would let nothing be paid.")
	case ch.Expires.Sub(now) > charter.MaxLife:
		c.talk(
			"\nNote: it expires more than 400 days from now, which is longer than a charter may last from the day it is taken in.",
		)
	}
	c.talk("")
	return c.compareKeys(keys)
}

// typeDigest has the digest of ch typed, which was not shown either.
func (c *call) typeDigest(ch charter.Charter, nothing string) error {
	return c.typeDigits(ch.Digest(), fmt.Sprintf(
		"%s\nType the first %d digits of the charter's digest, as another trustee reads them out: ",
		notYet,
		digestDigits,
	), "These are not the first digits of this charter's digest. "+nothing+
		" If you typed what was read out, somebody has another text.")
}

// typeDigits has the first digits of a digest typed.
func (c *call) typeDigits(digest decision.Digest, question, refusal string) error {
	answer, err := c.ask(question, false)
	if err != nil {
		return err
	}
	typed := strings.ToLower(strings.ReplaceAll(answer, " ", ""))
	if len(typed) < digestDigits || !strings.HasPrefix(digest.String(), typed) {
		return errs.New(errs.Precondition, CodeNotConfirmed, refusal)
	}
	return nil
}

func (c *call) signCharter(ch charter.Charter, charters []charter.Charter, key, out string) (page, error) {
	text := ch.Encode()
	armored, err := c.sshSign(key, text)
	if err != nil {
		return page{}, err
	}
	s, err := sshsig.Parse(armored)
	if err == nil {
		err = s.Verify(text)
	}
	if err != nil {
		return page{}, err
	}
	for _, of := range charters {
		person, ok := of.TrusteeOf(s.Key)
		if !ok {
			continue
		}
		if out == "" {
			out = c.args[0] + "." + fileName(person.Name) + ".sig"
		}
		if err := writeNew("out", out, armored); err != nil {
			return page{}, err
		}
		return page{
			value: map[string]string{
				"file":   out,
				"person": person.Name,
				"key":    s.Key.Fingerprint(),
				"digest": ch.Digest().String(),
			},
			parts: []part{
				record(
					"Signed by",
					person.Name,
					"Key",
					s.Key.Fingerprint(),
					"Digest",
					ch.Digest().String(),
					"Signature",
					out,
				),
			},
		}, nil
	}
	return page{}, errs.Newf(
		errs.Precondition,
		CodeNoTrustee,
		"The key %s belongs to no trustee of this charter or of the one before it. The signature was thrown away.",
		s.Key.Fingerprint(),
	)
}

// sshSign has ssh-keygen sign text, which it gets as it was shown. Passphrases, agents and
// hardware keys are its matter; it asks on the terminal itself.
func (c *call) sshSign(key string, text []byte) ([]byte, error) {
	//nolint:gosec // the key's path is the user's to name
	cmd := exec.CommandContext(c.ctx, "ssh-keygen", "-Y", "sign", "-n", sshsig.Namespace, "-f", key)
	var signature bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(text), &signature, c.cmd.ErrOrStderr()
	if err := cmd.Run(); err != nil {
		return nil, errs.Wrap(
			err,
			errs.Unavailable,
			CodeSSHKeygen,
			"ssh-keygen did not sign. It belongs to OpenSSH 8.1 or newer and has to be installed; what it said stands above.",
		)
	}
	return signature.Bytes(), nil
}

// fileName makes a name of a person part of a file's name.
func fileName(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return '-'
	}, name)
}
