package ctl

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/causeway-fund/causeway/internal/auditor/chainaudit"
	"github.com/causeway-fund/causeway/internal/cli"
	"github.com/causeway-fund/causeway/internal/errs"
)

// progressEvery is how often a long walk says where it is.
const progressEvery = 10 * time.Second

// chainAudit is the flags of audit chain.
type chainAudit struct {
	descriptor, descriptorFile string
	birthday                   int32
	journals                   []string
	node, user, passFile, cert string
	gap                        uint32
	final                      int32
	json                       bool
	approvals                  approvalFlags
}

func (a *app) auditChainCommand() *cobra.Command {
	var o chainAudit
	cmd := &cobra.Command{
		Use:   "chain",
		Short: "Account for every satoshi of the treasury, from the chain and the signers' journals",
		Args:  cobra.NoArgs,
		Long: "Read every block since the treasury's birthday from a btcd of your own and account for every satoshi:\n" +
			"deposits, payments by decision, change, fees, voids and upkeep. It asks neither the fund nor its database,\n" +
			"and shares no code with what pays. Give the journal of each signer; two are compared.\n\n" +
			"The journals record what was released, not who approved it. With the audit log, from a file of causewayctl\n" +
			"audit export or from the fund, every payment must have its application.approved and batch.approved leaf, and\n" +
			"every void its batch.void_approved leaf. The log is first verified with its public key. It is the fund's own\n" +
			"word: a thief who holds the fund's database can write such leaves too.\n\n" +
			"After a restore, the approval of a batch that was rebuilt from a journal may be lost. Give the bundle that\n" +
			"you kept from before as a second --bundle, or name the batch with --accept-lost to count it as approved.\n\n" +
			"Exit code 0 only when everything is accounted for, 1 on any difference and when the audit could not be made.",
		Example: "  causewayctl audit chain --descriptor-file treasury.txt --birthday 870000 --journal " +
			"signer-a.journal \\\n" +
			"    --node 127.0.0.1:8334 --node-user auditor --node-pass-file rpc.pass --node-cert rpc.cert \\\n" +
			"    --bundle causeway-audit.json --key-file audit.pub",
	}
	f := cmd.Flags()
	f.StringVar(&o.descriptor, "descriptor", "", "the treasury's public output descriptor, with its checksum")
	f.StringVar(&o.descriptorFile, "descriptor-file", "", "file with the descriptor")
	f.Int32Var(&o.birthday, "birthday", 0, "height of the first block that can hold a deposit")
	f.StringArrayVar(&o.journals, "journal", nil, "journal of a signer; may be given several times")
	f.StringVar(&o.node, "node", "", "host:port of your btcd's RPC")
	f.StringVar(&o.user, "node-user", "", "RPC user")
	f.StringVar(&o.passFile, "node-pass-file", "", "file with the RPC password")
	f.StringVar(&o.cert, "node-cert", "", "btcd's rpc.cert")
	f.Uint32Var(
		&o.gap,
		"gap",
		chainaudit.DefaultGap,
		"gap limit: how many scripts beyond the last one seen to look for",
	)
	f.Int32Var(&o.final, "final", chainaudit.DefaultFinal, "confirmations after which a spend counts as final")
	f.BoolVar(&o.json, "json", false, "write JSON, as -o json does")
	o.approvals.flags(f)
	audit := func(c *call) (page, error) { return c.auditChain(o) }
	a.online(staff, cmd, audit)
	withFund := cmd.RunE
	a.local(cmd, audit)
	alone := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if o.json {
			a.format = string(cli.JSON)
		}
		if o.approvals.api {
			return withFund(cmd, args)
		}
		return alone(cmd, args)
	}
	return cmd
}

func (c *call) auditChain(o chainAudit) (page, error) {
	cfg, err := o.config(c.cmd)
	if err != nil {
		return page{}, err
	}
	if cfg.Logs, err = c.approvalLogs(o.approvals); err != nil {
		return page{}, err
	}
	cfg.AcceptLost = o.approvals.lost()
	cfg.Progress = c.walked()
	report, err := chainaudit.Run(c.ctx, cfg)
	if err != nil {
		return page{}, err
	}
	p := page{value: struct {
		OK bool `json:"ok"`
		chainaudit.Report
	}{report.OK(), report}, parts: chainParts(report)}
	if !report.OK() {
		return p, errs.Newf(
			errs.Precondition,
			CodeNotAccountedFor,
			"The treasury is not accounted for: %s. This audit moved no money.",
			howMany(len(report.Alarms), "alarm"),
		)
	}
	return p, nil
}

// config reads the files that the flags name.
func (o chainAudit) config(cmd *cobra.Command) (chainaudit.Config, error) {
	if err := cli.Need(cmd.Flags(), "node", "node-user", "node-pass-file", "node-cert"); err != nil {
		return chainaudit.Config{}, err
	}
	switch {
	case (o.descriptor == "") == (o.descriptorFile == ""):
		return chainaudit.Config{}, cli.UsageError{Err: errors.New("give either --descriptor or --descriptor-file")}
	case !cmd.Flags().Changed("birthday"):
		return chainaudit.Config{}, cli.UsageError{Err: errors.New("--birthday is missing; 0 reads the whole chain")}
	case len(o.journals) == 0:
		return chainaudit.Config{}, cli.UsageError{
			Err: errors.New("--journal is missing; without a journal every payment looks like theft"),
		}
	}
	if o.descriptorFile != "" {
		text, err := os.ReadFile(o.descriptorFile)
		if err != nil {
			return chainaudit.Config{}, cli.UsageError{Err: fmt.Errorf("--descriptor-file: %w", err)}
		}
		o.descriptor = string(text)
	}
	pass, err := readSecret("node-pass-file", o.passFile)
	if err != nil {
		return chainaudit.Config{}, err
	}
	cert, err := os.ReadFile(o.cert)
	if err != nil {
		return chainaudit.Config{}, cli.UsageError{Err: fmt.Errorf("--node-cert: %w", err)}
	}
	node, err := chainaudit.Dial(o.node, o.user, pass, cert)
	if err != nil {
		return chainaudit.Config{}, cli.UsageError{Err: fmt.Errorf("--node: %w", err)}
	}
	cfg := chainaudit.Config{Descriptor: o.descriptor, Birthday: o.birthday, Node: node, Gap: o.gap, Final: o.final}
	for _, path := range o.journals {
		cfg.Journals = append(cfg.Journals, chainaudit.JournalFile(path))
	}
	return cfg, nil
}

// walked returns what says now and then how far a long walk is.
func (c *call) walked() func(height, tip int32) {
	last := c.cfg.Clock.Now()
	return func(height, tip int32) {
		if now := c.cfg.Clock.Now(); now.Sub(last) >= progressEvery {
			last = now
			c.talk("Block %d of %d.", height, tip)
		}
	}
}

func chainParts(r chainaudit.Report) []part {
	alive := make([]chainaudit.Waiting, 0, len(r.Waiting))
	for _, w := range r.Waiting {
		if w.State != chainaudit.Dead {
			alive = append(alive, w)
		}
	}
	sat := func(n int64) string { return itoa(n) + " sat" }
	sums := record(
		"result",
		chainResult(r),
		"network",
		r.Network,
		"blocks",
		fmt.Sprintf("%d to %d", r.Birthday, r.Height),
		"last_block",
		r.Block,
		"its_time",
		time.Unix(r.BlockTime, 0).UTC().Format(time.RFC3339),
		"deposits",
		fmt.Sprintf("%s in %s", sat(r.DepositsSat), howMany(len(r.Deposits), "output")),
		"paid",
		fmt.Sprintf("%s for %s", sat(r.PaidSat), howMany(len(r.Payments), "decision")),
		"fees",
		fmt.Sprintf(
			"%s for %s, %s, %s",
			sat(r.FeesSat),
			howMany(r.Count(chainaudit.KindPay), "payout"),
			howMany(
				r.Count(chainaudit.KindVoid),
				"void",
			),
			howMany(r.Count(chainaudit.KindUpkeep), "upkeep transaction"),
		),
		"lost",
		sat(r.LostSat),
		"unspent",
		fmt.Sprintf("%s in %s", sat(r.UnspentSat), howMany(len(r.Coins), "coin")),
		"difference",
		sat(r.DifferenceSat),
		"can_never_confirm",
		howMany(len(r.Waiting)-len(alive), "replaced or voided attempt"),
	)
	sums.cells = append(sums.cells, approvalRows(r.Approvals)...)
	findings := func(f chainaudit.Finding) []string { return []string{f.Code, f.Text} }
	parts := []part{
		sums,
		table("Alarms", []string{"CODE", "FINDINGS"}, r.Alarms, findings),
		table("Worth knowing", []string{"CODE", "FINDINGS"}, r.Notes, findings),
		table(
			"Released but not on the chain",
			[]string{"TRANSACTION", "BATCH", "ATTEMPT", "KIND", "PAYS_SAT", "CAN IT CONFIRM", "CONFLICTS WITH"},
			alive,
			func(w chainaudit.Waiting) []string {
				return []string{
					w.TxID,
					itoa(int64(w.Number)),
					itoa(w.Attempt),
					w.Kind,
					itoa(w.PaysSat),
					fate(w.State),
					strings.Join(w.Conflicts, " "),
				}
			},
		),
		table("Journals", []string{"FILE", "LINES", "HEAD"}, r.Journals, func(j chainaudit.JournalRead) []string {
			return []string{j.Name, itoa(j.Lines), j.Head}
		}),
	}
	return withRows(parts...)
}

// fate says in words what can become of a transaction that waits.
func fate(state string) string {
	switch state {
	case chainaudit.MayConfirm:
		return "may still confirm"
	case chainaudit.Conflicted:
		return "only if the chain is reorganised"
	case chainaudit.WaitsParent:
		return "may still confirm, after the one it spends"
	case chainaudit.InputsMissing:
		return "not on this chain: its coins are not there"
	}
	return state
}

func howMany(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
