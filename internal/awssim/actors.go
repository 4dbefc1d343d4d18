package awssim

// An offer is an endpoint service as outside parties see it.
type offer struct {
	ID             string // vpce-svc-…
	Name           string // com.amazonaws.vpce.…
	Owner, Region  string
	PrivateDNSName string
	Tags           tags
}

// A party is an outside party at work.
type party struct {
	WorldActor
	Tried int64 // the world's version at the last fruitless try
}

func actorEvents() map[string]eventHandler { return nil }
