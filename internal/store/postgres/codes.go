package postgres

import "github.com/causeway-fund/causeway/internal/errs"

// The codes of this package's errors and what each means.
const (
	// CodeAlreadyApproved: You have approved this batch already.
	CodeAlreadyApproved errs.Code = "already_approved"
	// CodeAlreadySeparate: Somebody has already said so.
	CodeAlreadySeparate errs.Code = "already_separate"
	// CodeAlreadyVoted: You have voted on this revision already.
	CodeAlreadyVoted errs.Code = "already_voted"
	// CodeApplicationNotFound: There is no such application.
	CodeApplicationNotFound errs.Code = "application_not_found"
	// CodeBatchNotFound: There is no such batch.
	CodeBatchNotFound errs.Code = "batch_not_found"
	// CodeCoinLocked: The coin is already locked.
	CodeCoinLocked errs.Code = "coin_locked"
	// CodeCoinNotLocked: The coin is not locked.
	CodeCoinNotLocked errs.Code = "coin_not_locked"
	// CodeCoinTaken: A batch holds the coin, so it cannot be locked.
	CodeCoinTaken errs.Code = "coin_taken"
	// CodeCommitUnknown: The database did not answer in time, so it is not known whether this was saved.
	CodeCommitUnknown errs.Code = "commit_unknown"
	// CodeDatabaseBusy: The database is busy: what this needs is locked.
	CodeDatabaseBusy errs.Code = "database_busy"
	// CodeDatabaseSlow: The database took too long, so this was stopped.
	CodeDatabaseSlow errs.Code = "database_slow"
	// CodeDatabaseUnwritable: PostgreSQL answers but cannot write, so nothing can be changed.
	CodeDatabaseUnwritable errs.Code = "database_unwritable"
	// CodeEnrolmentUnknown: This enrolment token is unknown or was already used.
	CodeEnrolmentUnknown errs.Code = "enrolment_unknown"
	// CodeGateNotLooked: The uptime behind one of these payments has not been looked at yet, which takes about a minute after an approval.
	CodeGateNotLooked errs.Code = "gate_not_looked"
	// CodeGrantNotFound: There is no such grant.
	CodeGrantNotFound errs.Code = "grant_not_found"
	// CodeInstalmentExists: This instalment exists already.
	CodeInstalmentExists errs.Code = "instalment_exists"
	// CodeInstalmentNotFound: There is no such payment.
	CodeInstalmentNotFound errs.Code = "instalment_not_found"
	// CodeLeaseUnknown: This lease is not known, or it was given to another prober.
	CodeLeaseUnknown errs.Code = "lease_unknown"
	// CodeNetworkUnbound: The database does not belong to a Bitcoin network yet.
	CodeNetworkUnbound errs.Code = "network_unbound"
	// CodeNoFund: No fund has been set up here yet.
	CodeNoFund errs.Code = "no_fund"
	// CodeNotPaid: There is no payment of this in a block yet.
	CodeNotPaid errs.Code = "not_paid"
	// CodeProofMissing: This block was walked by an older version, which kept no proof.
	CodeProofMissing errs.Code = "proof_missing"
	// CodeReplayed: This request for work was made before, or after a later one.
	CodeReplayed errs.Code = "replayed"
	// CodeSnapshotNotFound: There is no such snapshot of uptime.
	CodeSnapshotNotFound errs.Code = "snapshot_not_found"
	// CodeStoreReentered: The store was called inside its own transaction.
	CodeStoreReentered errs.Code = "store_reentered"
	// CodeUnknownRole: The role is neither app nor worker.
	CodeUnknownRole errs.Code = "unknown_role"
	// CodeWrongHead: The block to take back is not the synced tip.
	CodeWrongHead errs.Code = "wrong_head"
	// CodeKeyDropped: This server seals with a key that was taken out of use.
	CodeKeyDropped errs.Code = "key_dropped"
	// CodeKeyInUse: Data keys of applications are still under the key.
	CodeKeyInUse errs.Code = "key_in_use"
)
