package endpoint

// AskTwinsAlways has every full check ask about a twin where there is one.
func (s *Service) AskTwinsAlways() { s.twinOneIn = 1 }
