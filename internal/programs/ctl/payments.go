package ctl

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/causeway-fund/causeway/api/client"
	"github.com/causeway-fund/causeway/internal/cli"
	"github.com/causeway-fund/causeway/internal/payout/certificate"
)

// maxListBytes is the largest list of payees (api/openapi.yaml, checkPayeeList).
const maxListBytes = 4 << 20

// writeNew writes a file that is not there yet.
func writeNew(flag, path string, text []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return cli.UsageError{Err: fmt.Errorf("--%s: %w", flag, err)}
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Sync(), f.Close())
}

// output writes text to a new file, or to standard output for "".
func output(path string, text []byte) (page, error) {
	if path == "" {
		return page{raw: text}, nil
	}
	return page{}, writeNew("file", path, text)
}

func (a *app) paymentsCommand() *cobra.Command {
	return group(&cobra.Command{Use: "payments", Short: "Export payments for the books, and prove one"},
		a.paymentsExportCommand(), a.certificateCommand(),
	)
}

func (a *app) paymentsExportCommand() *cobra.Command {
	var from, until, format, unit, path string
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Export payments by the time of their block",
		Args:  cobra.NoArgs,
		Long: "Export payments by the time of their block: json and csv for programs, ledger and beancount for plain-text\n" +
			"accounting, bip329 as labels for a wallet. Times are days (2026-11-01, in UTC) or RFC 3339.",
	}
	formats, units := []string{"json", "csv", "ledger", "beancount", "bip329"}, []string{"sat", "btc"}
	f := cmd.Flags()
	f.StringVar(&format, "format", "csv", strings.Join(formats, ", "))
	f.StringVar(&unit, "unit", "sat", "unit of journals: "+strings.Join(units, ", "))
	f.StringVar(&from, "from", "", "from this time on (default: the beginning)")
	f.StringVar(&until, "until", "", "before this time (default: now)")
	f.StringVar(&path, "file", "", "file to write (default: standard output)")
	complete(cmd, "format", formats...)
	complete(cmd, "unit", units...)
	return a.online(staff, cmd, func(c *call) (page, error) {
		if err := errors.Join(oneOf(cmd, "format", formats...), oneOf(cmd, "unit", units...)); err != nil {
			return page{}, err
		}
		since, err := instant("from", from)
		if err != nil {
			return page{}, err
		}
		before, err := instant("until", until)
		if err != nil {
			return page{}, err
		}
		kind, in := client.ExportPaymentsParamsFormat(format), client.ExportPaymentsParamsUnit(unit)
		answer, err := c.api.ExportPaymentsWithResponse(
			c.ctx,
			&client.ExportPaymentsParams{From: since, Until: before, Format: &kind, Unit: &in},
		)
		if err != nil {
			return page{}, err
		}
		if answer.HTTPResponse.Header.Get("Content-Disposition") == "" {
			return page{}, errNoFund()
		}
		return output(path, answer.Body)
	})
}

// instant reads a day, in UTC, or a time.
func instant(flag, s string) (*time.Time, error) {
	if s == "" {
		return nil, nil // left out
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, s); err == nil {
			return &t, nil
		}
	}
	return nil, cli.UsageError{
		Err: fmt.Errorf("--%s: %q is neither a day like 2026-11-01 nor a time like 2026-11-01T12:00:00Z", flag, s),
	}
}

func (a *app) certificateCommand() *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use: "certificate INSTALMENT", Short: "Write the proof of a payment", Args: cobra.ExactArgs(1),
		Long: "Write the proof of a payment, which anybody can check offline: causewayctl verify FILE.",
	}
	cmd.Flags().StringVar(&path, "file", "", "file to write (default: standard output)")
	return a.online(staff, cmd, func(c *call) (page, error) {
		id, err := c.id()
		if err != nil {
			return page{}, err
		}
		answer, err := c.api.GetCertificateWithResponse(c.ctx, id)
		if err != nil {
			return page{}, err
		}
		if _, err := certificate.Parse(answer.Body); err != nil {
			return page{}, checkFailed("The certificate that the server sent cannot be trusted: %s", userText(err))
		}
		return output(path, answer.Body)
	})
}

func (a *app) payeesCommand() *cobra.Command {
	check := &cobra.Command{
		Use:   "check FILE",
		Short: "Compare a list of payees with what may be paid; nothing is stored",
		Args:  cobra.ExactArgs(1),
		Long: "Compare a list of payees with what may be paid. The file is CSV; its first line names the columns:\n" +
			"reference, address, one of amount_sat and amount_btc and, if wanted, label. FILE may be - for standard input.\n" +
			"Exit code 5 when a line has no instalment.",
	}
	return group(&cobra.Command{Use: "payees", Short: "Check a list of payees"},
		a.online(staff, check, func(c *call) (page, error) {
			list, err := c.checkList(c.args[0])
			if err != nil {
				return page{}, err
			}
			return page{value: list, parts: []part{listPart(list)}}, listHolds(list)
		}),
	)
}

func (c *call) checkList(path string) (client.PayeeListCheck, error) {
	raw, err := c.readFile(path, maxListBytes)
	if err != nil {
		return client.PayeeListCheck{}, err
	}
	return ok200(c.api.CheckPayeeListWithBodyWithResponse(c.ctx, "text/csv", bytes.NewReader(raw)))
}

// listed returns the instalments of a list of payees, of which every row must
// have one.
func (c *call) listed(path string) ([]uuid.UUID, error) {
	list, err := c.checkList(path)
	if err != nil {
		return nil, err
	}
	if err := listHolds(list); err != nil {
		return nil, errors.Join(err, listPart(list).write(c.cmd.ErrOrStderr()))
	}
	return list.InstalmentIds, nil
}

func listHolds(list client.PayeeListCheck) error {
	if list.Ok {
		return nil
	}
	return checkFailed(
		"%d of the list's %d rows have no instalment to pay. Nothing was composed.",
		len(list.Rows)-int(list.Matched),
		len(list.Rows),
	)
}

func listPart(list client.PayeeListCheck) part {
	return table(
		"",
		[]string{"LINE", "REFERENCE", "AMOUNT_SAT", "ADDRESS", "INSTALMENT", "TROUBLE"},
		list.Rows,
		func(r client.PayeeListRow) []string {
			id := ""
			if r.InstalmentId != nil {
				id = r.InstalmentId.String()
			}
			var trouble []string
			if r.Errors != nil {
				for _, e := range *r.Errors {
					trouble = append(trouble, e.Field+": "+e.Message)
				}
			}
			return []string{
				itoa(r.Line),
				text(r.Reference),
				number(r.AmountSat),
				text(r.Address),
				id,
				strings.Join(trouble, " "),
			}
		},
	)
}
