package ctl

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/oapi-codegen/runtime/types"
	"github.com/spf13/cobra"

	"github.com/causeway-fund/causeway/api/client"
	"github.com/causeway-fund/causeway/internal/cli"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/fleet/uptime"
)

// Limits of the files that are verified: a snapshot is as long as package uptime
// reads, a month of results of twenty servers has about 20 MB.
const (
	maxSnapshotBytes = 1 << 20
	maxResultsBytes  = 64 << 20
)

func (a *app) uptimeCommand() *cobra.Command {
	return group(
		&cobra.Command{
			Use:   "uptime",
			Short: "Export an uptime with all its inputs, and compute it again",
		},
		a.uptimeGetCommand(),
		a.uptimeResultsCommand(),
		a.uptimeVerifyCommand(),
	)
}

func (a *app) uptimeGetCommand() *cobra.Command {
	var application, path string
	cmd := &cobra.Command{
		Use:   "get [LABEL]",
		Short: "Export the uptime of your server, or of an application's servers",
		Args:  cobra.MaximumNArgs(1),
		Long: "Export the uptime of your server with all its inputs, or, as staff, that of an application's servers,\n" +
			"which is what the gate of a payment uses. Anybody can compute it again offline: causewayctl uptime verify FILE.",
	}
	cmd.Flags().StringVar(&application, "application", "", "ID of an application, instead of LABEL (staff)")
	cmd.Flags().StringVar(&path, "file", "", "file to write (default: standard output)")
	own := a.online(operator, cmd, func(c *call) (page, error) {
		answer, err := c.api.GetOwnUptimeWithResponse(c.ctx, c.args[0])
		if err != nil {
			return page{}, err
		}
		return snapshotOutput(path, answer.Body)
	}).RunE
	theirs := a.online(staff, cmd, func(c *call) (page, error) {
		id, err := uuid.Parse(application)
		if err != nil {
			return page{}, cli.UsageError{Err: fmt.Errorf("--application: %q is not an ID", application)}
		}
		answer, err := c.api.GetUptimeWithResponse(c.ctx, id)
		if err != nil {
			return page{}, err
		}
		return snapshotOutput(path, answer.Body)
	}).RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		switch {
		case (application == "") == (len(args) == 0):
			return cli.UsageError{Err: errors.New("give LABEL or --application")}
		case application == "":
			return own(cmd, args)
		}
		return theirs(cmd, args)
	}
	return cmd
}

// snapshotOutput gives out what holds, byte by byte.
func snapshotOutput(path string, text []byte) (page, error) {
	if _, err := uptime.Verify(text); err != nil {
		return page{}, checkFailed("The uptime that the server sent cannot be trusted: %s", clean(userText(err)))
	}
	return output(path, text)
}

func (a *app) uptimeResultsCommand() *cobra.Command {
	var application, day, path string
	cmd := &cobra.Command{
		Use:   "results LABEL",
		Short: "Export the single results behind a day of a server",
		Args:  cobra.ExactArgs(1),
		Long: "Export the single results behind a day of your server, or, as staff with --application, of one of an\n" +
			"application: one JSON object per line with endpoint, slot, attempt, verdict and the SHA-256 of the record.\n" +
			"The fund keeps them for some weeks. Files of several days can be concatenated: causewayctl uptime verify FILE\n" +
			"--results FILE.",
	}
	f := cmd.Flags()
	f.StringVar(&application, "application", "", "id of the application (staff)")
	f.StringVar(&day, "day", "", "day in UTC, like 2026-11-22")
	f.StringVar(&path, "file", "", "file to write (default: standard output)")
	of := func(c *call, fetch func(day types.Date) ([]byte, error)) (page, error) {
		if err := cli.Need(c.cmd.Flags(), "day"); err != nil {
			return page{}, err
		}
		t, err := time.Parse(time.DateOnly, day)
		if err != nil {
			return page{}, cli.UsageError{Err: fmt.Errorf("--day: %q is not a day like 2026-11-22", day)}
		}
		text, err := fetch(types.Date{Time: t})
		if err != nil {
			return page{}, err
		}
		return resultsOutput(path, text, uptime.Checked{Endpoint: strings.ToUpper(c.args[0]), Day: day})
	}
	own := a.online(operator, cmd, func(c *call) (page, error) {
		return of(c, func(day types.Date) ([]byte, error) {
			answer, err := c.api.GetOwnResultsWithResponse(c.ctx, c.args[0], &client.GetOwnResultsParams{Day: day})
			if err != nil {
				return nil, err
			}
			return answer.Body, nil
		})
	}).RunE
	theirs := a.online(staff, cmd, func(c *call) (page, error) {
		id, err := uuid.Parse(application)
		if err != nil {
			return page{}, cli.UsageError{Err: fmt.Errorf("--application: %q is not an ID", application)}
		}
		return of(c, func(day types.Date) ([]byte, error) {
			answer, err := c.api.GetResultsWithResponse(c.ctx, id, &client.GetResultsParams{Label: c.args[0], Day: day})
			if err != nil {
				return nil, err
			}
			return answer.Body, nil
		})
	}).RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if cmd.Flags().Changed("application") {
			return theirs(cmd, args)
		}
		return own(cmd, args)
	}
	return cmd
}

// resultsOutput gives out what are results of one day, byte by byte.
func resultsOutput(path string, text []byte, of uptime.Checked) (page, error) {
	days, err := uptime.ParseResults(text)
	if err != nil {
		return page{}, checkFailed("The results that the server sent cannot be read: %s", clean(userText(err)))
	}
	for d := range days {
		if d != of {
			return page{}, checkFailed(
				"The server sent results of %s on %s, which you did not ask for.",
				clean(d.Endpoint),
				d.Day,
			)
		}
	}
	return output(path, text)
}

// measured is a snapshot that was computed again.
type measured struct {
	SHA256      string          `json:"sha256"` // of the file
	DaysChecked int             `json:"days_checked"`
	Days        int             `json:"days"`
	Snapshot    uptime.Snapshot `json:"snapshot"`
}

func (a *app) uptimeVerifyCommand() *cobra.Command {
	var results string
	cmd := &cobra.Command{
		Use:   "verify FILE",
		Short: "Compute an uptime again, offline",
		Args:  cobra.ExactArgs(1),
		Long: "Compute an uptime again from its days, breaks and thresholds: every figure and the decision of a payment's\n" +
			"gate. FILE may be - for standard input. Exit code 1 when anything does not follow, with the first thing that\n" +
			"does not.\n\n" +
			"With --results the days are also compared with the results of single checks, as causewayctl uptime results\n" +
			"writes them, of one day or of several concatenated. Days without a result in that file are skipped and\n" +
			"counted.",
	}
	cmd.Flags().StringVar(&results, "results", "", "file with the results of single checks")
	return a.local(cmd, func(c *call) (page, error) {
		text, err := c.readFile(c.args[0], maxSnapshotBytes)
		if err != nil {
			return page{}, err
		}
		s, err := uptime.Verify(text)
		if err != nil {
			return page{}, cleaned(err)
		}
		sum := sha256.Sum256(text)
		m := measured{SHA256: hex.EncodeToString(sum[:]), Snapshot: s}
		for _, e := range s.Endpoints {
			m.Days += len(e.Days)
		}
		if results != "" {
			raw, err := c.readFile(results, maxResultsBytes)
			if err != nil {
				return page{}, err
			}
			if m.DaysChecked, err = holdAgainst(s, raw); err != nil {
				return page{}, cleaned(err)
			}
			c.talk("%d of %d days were compared with their results.", m.DaysChecked, m.Days)
		}
		return measuredPage(m), nil
	})
}

func measuredPage(m measured) page {
	s := m.Snapshot
	line := func(name, protocol, proven string, f uptime.Figures) []string {
		return []string{
			name,
			protocol,
			proven,
			itoa(f.Slots),
			itoa(f.Up),
			itoa(f.Down),
			itoa(f.Unknown),
			itoa(f.Maintenance),
			itoa(f.Permille),
			itoa(f.LowPermille),
			itoa(f.HighPermille),
			itoa(f.CoveragePermille),
		}
	}
	var cells [][]string
	for _, e := range s.Endpoints {
		cells = append(cells, line(e.Endpoint, e.Protocol, yesNo(e.Proven), e.Figures))
	}
	cells = append(cells, line("all", "", "", s.Total))
	return page{value: m, parts: []part{
		table(
			"",
			append([]string{"ENDPOINT", "PROTOCOL", "PROVEN"}, uptimeHeader...),
			cells,
			func(c []string) []string { return c },
		),
		record(
			"application",
			s.Application,
			"place",
			s.Place,
			"min_uptime_permille",
			itoa(s.Thresholds.MinUptimePermille),
			"min_coverage_permille",
			itoa(s.Thresholds.MinCoveragePermille),
			"require_control",
			yesNo(s.Thresholds.RequireControl),
			"decision",
			string(s.Decision),
			"sha256",
			m.SHA256,
		),
	}}
}

func errResults(format string, args ...any) error {
	return errs.Newf(errs.Invalid, CodeResultsWrong, format, args...)
}
