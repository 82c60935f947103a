package ctl

import (
	"errors"
	"os"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/causeway-fund/causeway/internal/cli"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/trust/charter"
	"github.com/causeway-fund/causeway/internal/trust/sshsig"
)

func (a *app) charterPinCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "pin FILE SIGNATURE...",
		Short: "Verify a charter and keep it as the newest that you know",
		Args:  cobra.MinimumNArgs(2),
		Long: "Verify a charter and keep it, in --config-dir. The first one of a fund is kept when you type the first 20 digits of its\n" +
			"digest, as trustees read them out; each later one when it follows the one before, enough trustees of both signed it, and you\n" +
			"type the fingerprint of each new ssh key, as its person reads it out. Later commands compare with the newest one that was kept,\n" +
			"and with nothing that a server says.",
	}
	return a.local(cmd, func(c *call) (page, error) {
		ch, err := c.charterFile(c.args[0])
		if err != nil {
			return page{}, err
		}
		s, err := c.stands(ch)
		if err != nil {
			return page{}, err
		}
		if s.same || s.older {
			return page{}, errs.New(errs.Conflict, CodePinOlder, s.words(ch)+" Nothing was changed.")
		}
		charters := []charter.Charter{ch}
		if s.known {
			if err := ch.Follows(s.newest); err != nil {
				return page{}, err
			}
			charters = append(charters, s.newest)
		}
		signatures, err := c.signed(ch, charters)
		if err != nil {
			return page{}, err
		}
		if err := c.agreeToKeep(ch, charters); err != nil {
			return page{}, err
		}
		p, err := c.pins()
		if err == nil {
			err = p.keep(ch, signatures)
		}
		if err != nil {
			return page{}, err
		}
		return page{
			value: viewOf(ch),
			parts: []part{record("Kept", p.path(ch.Fund, ch.Version)+charterSuffix), charterDigest(ch)},
		}, nil
	})
}

// agreeToKeep has the digest of a first charter typed, whose reader vouches for all that is in it,
// and the fingerprints of new keys in a later one.
func (c *call) agreeToKeep(ch charter.Charter, charters []charter.Charter) error {
	if len(charters) > 1 {
		return c.agree(ch, charters[1:], newKeys(ch, charters[1:]))
	}
	if err := c.agree(ch, nil, nil); err != nil {
		return err
	}
	return c.typeDigest(ch, "Nothing was kept.")
}

// signed reads the signatures behind the first argument and returns those that hold, if they are
// enough by each of the charters.
func (c *call) signed(ch charter.Charter, charters []charter.Charter) ([][]byte, error) {
	var list []charterSignature
	var holding [][]byte
	for _, path := range c.args[1:] {
		text, err := c.smallFile(path, sshsig.MaxBytes)
		if err != nil {
			return nil, err
		}
		j := judge(path, text, ch, charters)
		if j.holds {
			holding = append(holding, text)
		} else {
			c.talk("%s: %s", path, j.Verdict)
		}
		list = append(list, j)
	}
	for _, of := range charters {
		if n := count(of, list); n.lacks() > 0 {
			return nil, tooFew(n)
		}
	}
	return holding, nil
}

func tooFew(n charterCount) error {
	return checkFailed("Too few trustees of version %d signed: %d of %d. It lacks %d more of: %s.",
		n.Version, len(n.Signed), n.Needed, n.lacks(), commas(n.Others))
}

// charterNamed reads the charter of a file; without one the newest that was verified, of a fund or,
// for uuid.Nil, of the only one.
func (c *call) charterNamed(args []string, fund uuid.UUID) (charter.Charter, error) {
	if len(args) > 0 {
		return c.charterFile(args[0])
	}
	p, err := c.pins()
	if err != nil {
		return charter.Charter{}, err
	}
	funds, err := p.funds()
	if fund != uuid.Nil {
		funds = slices.DeleteFunc(funds, func(id uuid.UUID) bool { return id != fund })
	}
	switch {
	case err != nil:
		return charter.Charter{}, err
	case len(funds) == 0:
		return charter.Charter{}, cli.UsageError{
			Err: errors.New("you have verified no charter yet: name a file, or keep one with charter pin"),
		}
	case len(funds) > 1:
		return charter.Charter{}, cli.UsageError{
			Err: errors.New("you have verified charters of several funds: name a file in " + p.dir),
		}
	}
	ch, _, err := p.newest(funds[0])
	return ch, err
}

// ownKey returns the public half of the key that a person names for ssh-keygen, where a file says it.
func ownKey(path string) (sshsig.Key, bool) {
	for _, name := range []string{path + ".pub", path} {
		text, err := os.ReadFile(name)
		words := strings.Fields(string(text))
		if err != nil || len(words) < 2 {
			continue
		}
		if k, err := sshsig.ParseKey(words[0] + " " + words[1]); err == nil {
			return k, true
		}
	}
	return sshsig.Key{}, false
}

// without leaves a person's own key out.
func without(keys []newKey, path string) []newKey {
	own, known := ownKey(path)
	return slices.DeleteFunc(keys, func(k newKey) bool { return known && k.key == own })
}

// charterOf returns the charter of a file, or the newest verified one of the only fund.
func (c *call) charterOf(path string) (charter.Charter, error) {
	if path != "" {
		return c.charterFile(path)
	}
	return c.charterNamed(nil, uuid.Nil)
}
