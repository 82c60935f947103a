package ctl

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/trust/charter"
	"github.com/causeway-fund/causeway/internal/trust/sshsig"
)

const (
	charterSuffix   = ".charter"
	signatureSuffix = ".sig"
)

// pins is the folder of the charters that this person verified: FUND/VERSION.charter, and beside
// each its signatures. A server's word never changes it.
type pins struct{ dir string }

func (a *app) pins() (pins, error) {
	if a.configDir != "" {
		return pins{filepath.Join(a.configDir, "charters")}, nil
	}
	dir, err := os.UserConfigDir()
	if err != nil {
		return pins{}, errs.Wrap(err, errs.Unavailable, CodeNoConfigDir,
			"This account has no folder for configuration. Name one with --config-dir.")
	}
	return pins{filepath.Join(dir, "causewayctl", "charters")}, nil
}

// funds returns the funds of which there is a charter.
func (p pins) funds() ([]uuid.UUID, error) {
	entries, err := os.ReadDir(p.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read the verified charters: %w", err)
	}
	var funds []uuid.UUID
	for _, e := range entries {
		if id, err := uuid.Parse(e.Name()); err == nil && e.IsDir() {
			funds = append(funds, id)
		}
	}
	return funds, nil
}

func (p pins) path(fund uuid.UUID, version int64) string {
	return filepath.Join(p.dir, fund.String(), strconv.FormatInt(version, 10))
}

// of returns the charters of a fund that were verified, the oldest first.
func (p pins) of(fund uuid.UUID) ([]charter.Charter, error) {
	entries, err := os.ReadDir(filepath.Join(p.dir, fund.String()))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read the verified charters: %w", err)
	}
	var list []charter.Charter
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), charterSuffix) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(p.dir, fund.String(), e.Name()))
		if err != nil {
			return nil, fmt.Errorf("read a verified charter: %w", err)
		}
		ch, err := charter.Parse(text)
		if err != nil || ch.Fund != fund {
			return nil, errs.Newf(errs.Precondition, CodePinDamaged,
				"%s was changed and is no longer a charter of this fund. Look at who can write there.",
				filepath.Join(p.dir, fund.String(), e.Name()))
		}
		list = append(list, ch)
	}
	slices.SortFunc(list, func(a, b charter.Charter) int { return int(a.Version - b.Version) })
	return list, nil
}

// newest returns the newest verified charter of a fund.
func (p pins) newest(fund uuid.UUID) (newest charter.Charter, known bool, err error) {
	list, err := p.of(fund)
	if err != nil || len(list) == 0 {
		return charter.Charter{}, false, err
	}
	return list[len(list)-1], true, nil
}

// keep stores a charter with its signatures; it counts from the moment its own file is there.
func (p pins) keep(ch charter.Charter, signatures [][]byte) error {
	base := p.path(ch.Fund, ch.Version)
	if err := os.MkdirAll(filepath.Dir(base), 0o700); err != nil {
		return fmt.Errorf("make the folder of verified charters: %w", err)
	}
	for i, text := range signatures {
		if err := replaceFile(fmt.Sprintf("%s.%d%s", base, i+1, signatureSuffix), text); err != nil {
			return err
		}
	}
	return replaceFile(base+charterSuffix, ch.Encode())
}

// replaceFile writes a private file that is there as a whole or not at all.
func replaceFile(path string, text []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return fmt.Errorf("make a file beside %s: %w", path, err)
	}
	_, err = f.Write(text)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", path, err), os.Remove(f.Name()))
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return errors.Join(fmt.Errorf("put %s in place: %w", path, err), os.Remove(f.Name()))
	}
	return nil
}

// standing is how a charter stands to those that this person verified.
type standing struct {
	newest charter.Charter
	known  bool             // there is one of this fund
	before *charter.Charter // the version before it, where that was verified
	same   bool             // it is the newest itself
	older  bool             // a newer one was verified
}

// stands compares ch with the verified charters of its fund. The error (charter_pin_fork) refuses
// another text for a version that was verified.
func (c *call) stands(ch charter.Charter) (standing, error) {
	p, err := c.pins()
	if err != nil {
		return standing{}, err
	}
	list, err := p.of(ch.Fund)
	if err != nil || len(list) == 0 {
		return standing{}, err
	}
	s := standing{newest: list[len(list)-1], known: true}
	s.older = ch.Version < s.newest.Version
	for _, known := range list {
		switch {
		case known.Version == ch.Version && !bytes.Equal(known.Encode(), ch.Encode()):
			return s, errs.Newf(
				errs.Conflict,
				CodePinFork,
				"You have verified another version %d of this fund's charter, %s. Two texts of one version mean that somebody was misled: "+
					"ask the trustees, and tell the fund.",
				ch.Version,
				known.Digest(),
			)
		case known.Version == ch.Version:
			s.same = !s.older
		case known.Version == ch.Version-1:
			s.before = &known
		}
	}
	return s, nil
}

// words says s to a person.
func (s standing) words(ch charter.Charter) string {
	switch {
	case !s.known:
		return "You have verified no charter of this fund. `causewayctl charter pin` keeps one."
	case s.same:
		return "This is the newest charter that you have verified."
	case s.older:
		return fmt.Sprintf("This one is old: you have verified version %d.", s.newest.Version)
	case s.before != nil:
		return fmt.Sprintf("It would follow version %d, the newest that you have verified.", s.newest.Version)
	}
	return fmt.Sprintf("The newest that you have verified is version %d, so you have missed versions up to %d. "+
		"Verify and pin them in turn.", s.newest.Version, ch.Version-1)
}

// newKey is an ssh key that no charter before had.
type newKey struct {
	person charter.Person
	key    sshsig.Key
}

// newKeys returns the ssh keys of ch that are in none of the others.
func newKeys(ch charter.Charter, others []charter.Charter) []newKey {
	var list []newKey
	for _, p := range ch.People {
		for _, k := range p.SSH {
			known := slices.ContainsFunc(others, func(c charter.Charter) bool {
				return slices.ContainsFunc(c.People, func(q charter.Person) bool {
					return q.ID == p.ID && slices.Contains(q.SSH, k)
				})
			})
			if !known {
				list = append(list, newKey{p, k})
			}
		}
	}
	return list
}

// fingerprintDigits is how much of a fingerprint people read out: 14 characters have 84 bits.
const fingerprintDigits = 14

// compareKeys has the fingerprint of each new key typed as its person reads it out.
func (c *call) compareKeys(keys []newKey) error {
	for _, k := range keys {
		fingerprint := strings.TrimPrefix(k.key.Fingerprint(), "SHA256:")
		answer, err := c.ask(fmt.Sprintf(
			"%s has an ssh key that is new to you. Ask %s to run `ssh-keygen -l` on it.\nType the first %d characters behind SHA256: as they are read out: ",
			clean(k.person.Name),
			clean(k.person.Name),
			fingerprintDigits,
		), false)
		if err != nil {
			return err
		}
		typed := strings.TrimPrefix(strings.ReplaceAll(answer, " ", ""), "SHA256:")
		if len(typed) < fingerprintDigits || !strings.HasPrefix(fingerprint, typed) {
			return errs.Newf(errs.Precondition, CodeNotConfirmed,
				"This is not the fingerprint of the key that the charter gives %s. Nothing was signed or kept. "+
					"If you typed what was read out, somebody has put another key in its place.", clean(k.person.Name))
		}
	}
	return nil
}

// hide takes the fingerprints of keys out of what is shown: who copies them from the screen has
// compared nothing.
func hide(parts []part, keys []newKey) []part {
	for _, p := range parts {
		for _, row := range p.cells {
			for i := range row {
				for _, k := range keys {
					row[i] = strings.ReplaceAll(
						row[i],
						k.key.Fingerprint(),
						"(new: "+clean(k.person.Name)+" reads it out)",
					)
				}
			}
		}
	}
	return parts
}
