package ctl

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/pflag"

	"github.com/causeway-fund/causeway/internal/auditor/chainaudit"
	"github.com/causeway-fund/causeway/internal/cli"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/trust/audit"
)

// approvalFlags is the flags of audit chain that say where the audit log is.
type approvalFlags struct {
	bundles    []string
	api        bool
	key        verifier
	acceptLost []uint
}

func (a *approvalFlags) flags(f *pflag.FlagSet) {
	f.StringArrayVar(
		&a.bundles,
		"bundle",
		nil,
		"file written by causewayctl audit export, or - for standard input; may be given several times",
	)
	f.BoolVar(&a.api, "api", false, "read the audit log from the fund")
	f.StringVar(&a.key.key, "key", "", "the audit log's public key")
	f.StringVar(&a.key.keyFile, "key-file", "", "file with the audit log's public key")
	f.UintSliceVar(
		&a.acceptLost,
		"accept-lost",
		nil,
		"numbers of batches whose approval you know to be lost with a restored database",
	)
}

func (a *approvalFlags) lost() []uint32 {
	out := make([]uint32, len(a.acceptLost))
	for i, n := range a.acceptLost {
		out[i] = uint32(min(n, 1<<32-1))
	}
	return out
}

// approvalLogs reads the audit logs that the flags name, each verified with the
// log's key by package audit. Package chainaudit then reads their rows by code of
// its own.
func (c *call) approvalLogs(a approvalFlags) ([]chainaudit.AuditLog, error) {
	given := len(a.bundles) > 0 || a.api
	switch keyed := a.key.key != "" || a.key.keyFile != ""; {
	case !given && (keyed || len(a.acceptLost) > 0):
		return nil, cli.UsageError{
			Err: errors.New("--key and --accept-lost need an audit log: give --bundle or --api"),
		}
	case !given:
		return nil, nil
	case !keyed:
		return nil, cli.UsageError{
			Err: errors.New(
				"give the audit log's public key with --key or --key-file; get it from somewhere other than the server",
			),
		}
	}
	key, err := a.key.read()
	if err != nil {
		return nil, err
	}
	sources := a.bundles
	if a.api {
		sources = append([]string{""}, sources...)
	}
	logs := make([]chainaudit.AuditLog, len(sources))
	for i, path := range sources {
		if logs[i], err = c.approvalLog(path, key); err != nil {
			return nil, err
		}
	}
	return logs, nil
}

// approvalLog reads the log of a file, or of the fund for "".
func (c *call) approvalLog(path, key string) (chainaudit.AuditLog, error) {
	name := path
	switch path {
	case "":
		name = c.server
	case "-":
		name = "standard input"
	}
	text, err := c.bundle(path)
	if err != nil {
		return chainaudit.AuditLog{}, err
	}
	report, err := audit.VerifyBundle(bytes.NewReader(text), key)
	for _, b := range report.BadCheckpoints {
		c.talk("%s: %s.", name, b)
	}
	if err != nil {
		return chainaudit.AuditLog{}, errs.Wrap(
			err,
			errs.Precondition,
			errs.CodeOf(err),
			fmt.Sprintf("%s: %s Nothing was judged.", name, userText(err)),
		)
	}
	if report.Uncovered > 0 {
		c.talk(
			"%s: the last %d rows are not covered by a checkpoint yet, and count for nothing here.",
			name,
			report.Uncovered,
		)
	}
	return chainaudit.AuditLog{
		Name: name, Rows: report.Rows - report.Uncovered,
		Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(text)), nil },
	}, nil
}

// chainResult is the first line of an audit.
func chainResult(r chainaudit.Report) string {
	switch {
	case !r.OK():
		return "NOT accounted for: " + howMany(len(r.Alarms), "alarm")
	case r.Approvals == nil:
		return "every satoshi is accounted for as the journals tell it; who approved was not checked"
	case r.Approvals.Accepted > 0:
		return "every satoshi is accounted for, and every payment has its approvals or you accepted that they are lost"
	}
	return "every satoshi is accounted for, and every payment has its approvals"
}

// approvalRows says how many payments the audit log approves.
func approvalRows(a *chainaudit.Approvals) [][]string {
	if a == nil {
		return [][]string{{"approvals", "not checked (no audit bundle given)"}}
	}
	rows := [][]string{
		{
			"approvals",
			fmt.Sprintf(
				"%d of %d payments have an application.approved and a batch.approved leaf",
				a.Approved,
				a.Payments,
			),
		},
	}
	if a.Others > 0 {
		rows = append(
			rows,
			[]string{
				"other_approvals",
				fmt.Sprintf(
					"%d of %d voids and upkeep transactions have a batch.void_approved or a batch.approved leaf",
					a.OthersApproved,
					a.Others,
				),
			},
		)
	}
	if a.Accepted > 0 {
		rows = append(rows, []string{"lost_approvals", howMany(a.Accepted, "finding") + " accepted by --accept-lost"})
	}
	for _, l := range a.Logs {
		rows = append(
			rows,
			[]string{
				"audit_log",
				fmt.Sprintf("%s, %s that a checkpoint covers", clean(l.Name), howMany(int(l.Rows), "row")),
			},
		)
	}
	return rows
}
