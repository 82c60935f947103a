package ctl

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/causeway-fund/causeway/internal/trust/charter"
	"github.com/causeway-fund/causeway/internal/trust/sshsig"
)

// charterSignature is one file that may be a signature, and whose.
type charterSignature struct {
	File    string `json:"file"`
	Key     string `json:"key,omitempty"`
	Person  string `json:"person,omitempty"`
	Verdict string `json:"verdict"`
	key     sshsig.Key
	holds   bool
}

// charterCount is who signed a charter by the trustees of one version.
type charterCount struct {
	Version int64    `json:"trustees_of_version"`
	Needed  int64    `json:"needed"`
	Signed  []string `json:"signed"`
	Others  []string `json:"not_signed"`
}

func (n charterCount) lacks() int64 { return max(n.Needed-int64(len(n.Signed)), 0) }

func (a *app) charterVerifyCommand() *cobra.Command {
	var previous string
	cmd := &cobra.Command{
		Use:   "verify FILE SIGNATURE...",
		Short: "Count the trustees who signed a charter",
		Args:  cobra.MinimumNArgs(2),
		Long: "Count the trustees whose ssh signatures over a charter hold: by its own list, and from version 2 on by that of the version\n" +
			"before it. Each person counts once, and a signature that does not hold takes nothing away. Exit code 0 only when enough signed by\n" +
			"both lists, 5 otherwise. Versions before the previous one that still bind would be asked too; this command does not know\n" +
			"them.\n" + notYet,
	}
	cmd.Flags().StringVar(
		&previous,
		"previous",
		"",
		"file with the version before it; needed from version 2 on, unless you have verified that with charter pin",
	)
	return a.local(cmd, func(c *call) (page, error) {
		ch, err := c.charterFile(c.args[0])
		if err != nil {
			return page{}, err
		}
		charters, err := c.withPrevious(ch, previous)
		if err != nil {
			return page{}, err
		}
		var list []charterSignature
		for _, path := range c.args[1:] {
			text, err := c.smallFile(path, sshsig.MaxBytes)
			if err != nil {
				return page{}, err
			}
			list = append(list, judge(path, text, ch, charters))
		}
		counts := make([]charterCount, len(charters))
		for i, of := range charters {
			counts[i] = count(of, list)
		}
		return verifiedPage(ch, list, counts), enough(ch, counts)
	})
}

// judge reads one signature and says whose it is.
func judge(path string, text []byte, ch charter.Charter, charters []charter.Charter) charterSignature {
	s, err := sshsig.Parse(text)
	if err != nil {
		return charterSignature{File: path, Verdict: userText(err)}
	}
	j := charterSignature{File: path, Key: s.Key.Fingerprint(), key: s.Key}
	if err := s.Verify(ch.Encode()); err != nil {
		j.Verdict = userText(err)
		return j
	}
	for _, of := range charters {
		if p, ok := of.TrusteeOf(s.Key); ok {
			j.Person, j.Verdict, j.holds = p.Name, "holds", true
			return j
		}
	}
	j.Verdict = "The key belongs to no trustee."
	return j
}

// count counts the trustees of a charter, each once however many signatures and keys there are.
func count(of charter.Charter, list []charterSignature) charterCount {
	var keys []sshsig.Key
	for _, s := range list {
		if s.holds {
			keys = append(keys, s.key)
		}
	}
	signed, others := of.TrusteesAmong(keys)
	return charterCount{Version: of.Version, Needed: of.Trustees, Signed: namesOf(signed), Others: namesOf(others)}
}

func namesOf(people []charter.Person) []string {
	list := make([]string, len(people))
	for i, p := range people {
		list[i] = p.Name
	}
	return list
}

// enough says what lacks.
func enough(ch charter.Charter, counts []charterCount) error {
	for _, n := range counts {
		if n.lacks() > 0 {
			return tooFew(n)
		}
	}
	if ch.Version > 1 && len(counts) == 1 {
		return checkFailed("The trustees of version %d sign as well. Name that version with --previous.", ch.Version-1)
	}
	return nil
}

func verifiedPage(ch charter.Charter, list []charterSignature, counts []charterCount) page {
	return page{
		value: map[string]any{
			"digest":     ch.Digest().String(),
			"version":    ch.Version,
			"signatures": list,
			"counts":     counts,
		},
		parts: []part{
			table("SIGNATURES", []string{"FILE", "KEY", "TRUSTEE", "VERDICT"}, list, func(s charterSignature) []string {
				return []string{s.File, s.Key, s.Person, s.Verdict}
			}),
			table(
				"TRUSTEES",
				[]string{"OF VERSION", "NEEDED", "SIGNED", "NOT SIGNED"},
				counts,
				func(n charterCount) []string {
					return []string{
						itoa(n.Version),
						itoa(n.Needed),
						fmt.Sprintf("%d: %s", len(n.Signed), commas(n.Signed)),
						commas(n.Others),
					}
				},
			),
			charterDigest(ch),
			{title: "STATUS", text: notYet},
		},
	}
}
