package web

import "github.com/labstack/echo/v4"

func (s *Site) getQueue(*visit) error          { return echo.ErrNotFound }
func (s *Site) getApplication(*visit) error    { return echo.ErrNotFound }
func (s *Site) postClaim(*visit) error         { return echo.ErrNotFound }
func (s *Site) postRelease(*visit) error       { return echo.ErrNotFound }
func (s *Site) postVote(*visit) error          { return echo.ErrNotFound }
func (s *Site) postDecide(*visit) error        { return echo.ErrNotFound }
func (s *Site) postNote(*visit) error          { return echo.ErrNotFound }
func (s *Site) postMessage(*visit) error       { return echo.ErrNotFound }
func (s *Site) getGrants(*visit) error         { return echo.ErrNotFound }
func (s *Site) getBatches(*visit) error        { return echo.ErrNotFound }
func (s *Site) getCompose(*visit) error        { return echo.ErrNotFound }
func (s *Site) postDryRun(*visit) error        { return echo.ErrNotFound }
func (s *Site) postCompose(*visit) error       { return echo.ErrNotFound }
func (s *Site) getBatch(*visit) error          { return echo.ErrNotFound }
func (s *Site) getBatchLive(*visit) error      { return echo.ErrNotFound }
func (s *Site) getBatchPSBT(*visit) error      { return echo.ErrNotFound }
func (s *Site) getBatchCSV(*visit) error       { return echo.ErrNotFound }
func (s *Site) getBatchNote(*visit) error      { return echo.ErrNotFound }
func (s *Site) postApprove(*visit) error       { return echo.ErrNotFound }
func (s *Site) postCancel(*visit) error        { return echo.ErrNotFound }
func (s *Site) getTreasury(*visit) error       { return echo.ErrNotFound }
func (s *Site) postBreakerReset(*visit) error  { return echo.ErrNotFound }
func (s *Site) getAudit(*visit) error          { return echo.ErrNotFound }
func (s *Site) getAuditBundle(*visit) error    { return echo.ErrNotFound }
func (s *Site) getStaff(*visit) error          { return echo.ErrNotFound }
func (s *Site) postInvite(*visit) error        { return echo.ErrNotFound }
func (s *Site) postInviteAgain(*visit) error   { return echo.ErrNotFound }
func (s *Site) postRoles(*visit) error         { return echo.ErrNotFound }
func (s *Site) postDisable(*visit) error       { return echo.ErrNotFound }
func (s *Site) getProfile(*visit) error        { return echo.ErrNotFound }
func (s *Site) postKeys(*visit) error          { return echo.ErrNotFound }
func (s *Site) postSessionRevoke(*visit) error { return echo.ErrNotFound }
func (s *Site) postToken(*visit) error         { return echo.ErrNotFound }
func (s *Site) postTokenRevoke(*visit) error   { return echo.ErrNotFound }
