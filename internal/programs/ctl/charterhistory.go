package ctl

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/causeway-fund/causeway/internal/cli"
	"github.com/causeway-fund/causeway/internal/trust/charter"
	"github.com/causeway-fund/causeway/internal/trust/sshsig"
)

// historyLine is one version of a history of charters.
type historyLine struct {
	Version int64    `json:"version"`
	Digest  string   `json:"digest"`
	Signed  []string `json:"signed"`
	Changes []string `json:"changes"`
}

func (a *app) charterHistoryCommand() *cobra.Command {
	return a.local(&cobra.Command{
		Use:   "history [FOLDER]",
		Short: "Verify the charters of a fund in turn",
		Args:  cobra.MaximumNArgs(1),
		Long: "Verify the charters in FOLDER in turn (files that end in .charter, and all signatures in files that end in .sig): each follows the\n" +
			"one before, and enough trustees of both signed it. Without FOLDER those are taken that you have verified and kept. Exit code 0\n" +
			"only when each holds.",
	}, func(c *call) (page, error) {
		dir, err := c.historyFolder()
		if err != nil {
			return page{}, err
		}
		charters, signatures, err := c.readHistory(dir)
		if err != nil {
			return page{}, err
		}
		var lines []historyLine
		for i := range charters {
			line, err := c.judgeVersion(charters[:i+1], signatures)
			if err != nil {
				return historyPage(lines), err
			}
			lines = append(lines, line)
		}
		if first := charters[0].Version; first > 1 {
			c.talk("The versions before %d are not there, so nothing says that version %d followed them.", first, first)
		}
		return historyPage(lines), nil
	})
}

func historyPage(lines []historyLine) page {
	return page{value: lines, parts: []part{table(
		"",
		[]string{"VERSION", "DIGEST", "SIGNED BY TRUSTEES", "CHANGES"},
		lines,
		func(l historyLine) []string {
			return []string{itoa(l.Version), l.Digest[:digestDigits], commas(l.Signed), strings.Join(l.Changes, " ")}
		},
	)}}
}

// historyFolder is the one that was named, or that of the only fund of which a charter was kept.
func (c *call) historyFolder() (string, error) {
	if len(c.args) > 0 {
		return c.args[0], nil
	}
	ch, err := c.charterNamed(nil, uuid.Nil)
	if err != nil {
		return "", err
	}
	p, err := c.pins()
	return filepath.Join(p.dir, ch.Fund.String()), err
}

// readHistory reads the charters of a folder, the oldest first, and every file of a signature.
func (c *call) readHistory(dir string) (charters []charter.Charter, signatures map[string][]byte, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, nil, cli.UsageError{Err: err}
	}
	signatures = map[string][]byte{}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		switch filepath.Ext(path) {
		case charterSuffix:
			ch, err := c.charterFile(path)
			if err != nil {
				return nil, nil, fmt.Errorf("%s: %w", path, err)
			}
			charters = append(charters, ch)
		case signatureSuffix:
			if signatures[path], err = c.smallFile(path, sshsig.MaxBytes); err != nil {
				return nil, nil, err
			}
		}
	}
	if len(charters) == 0 {
		return nil, nil, cli.UsageError{Err: errors.New(dir + " has no file that ends in " + charterSuffix)}
	}
	slices.SortFunc(charters, func(a, b charter.Charter) int { return int(a.Version - b.Version) })
	return charters, signatures, nil
}

// judgeVersion judges the last of charters by its own trustees and by those of the one before.
func (c *call) judgeVersion(charters []charter.Charter, signatures map[string][]byte) (historyLine, error) {
	ch := charters[len(charters)-1]
	line := historyLine{Version: ch.Version, Digest: ch.Digest().String(), Signed: []string{}, Changes: []string{}}
	asked := []charter.Charter{ch}
	if len(charters) > 1 {
		before := charters[len(charters)-2]
		if err := ch.Follows(before); err != nil {
			return line, err
		}
		asked = append(asked, before)
		for _, d := range charter.Diff(before, ch) {
			line.Changes = append(line.Changes, d.Text)
		}
	}
	var list []charterSignature
	for path, text := range signatures {
		if j := judge(path, text, ch, asked); j.holds {
			list = append(list, j)
			if !slices.Contains(line.Signed, j.Person) {
				line.Signed = append(line.Signed, j.Person)
			}
		}
	}
	slices.Sort(line.Signed)
	for _, of := range asked {
		if n := count(of, list); n.lacks() > 0 {
			return line, checkFailed("Version %d does not hold. %s", ch.Version, userText(tooFew(n)))
		}
	}
	return line, nil
}
