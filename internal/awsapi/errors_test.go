package awsapi

import (
	"errors"
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"

	"github.com/linkfleet/linkfleet/applier"
)

// Every code belongs to the classes named, and to no other.
func TestClasses(t *testing.T) {
	const (
		notFound = 1 << iota
		throttle
		denied
		expired
		busy
	)
	for code, want := range map[string]int{
		"InvalidVpcEndpointId.NotFound":           notFound,
		"InvalidVpcEndpointService.NotFound":      notFound,
		"InvalidGroup.NotFound":                   notFound,
		"LoadBalancerNotFound":                    notFound,
		"TargetGroupNotFound":                     notFound,
		"NoSuchHostedZone":                        notFound,
		"NotFound":                                notFound,
		"NotFoundException":                       notFound,
		"QueueDoesNotExist":                       notFound,
		"AWS.SimpleQueueService.NonExistentQueue": notFound,
		"RequestThrottled":                        throttle | busy,
		"KMS.ThrottlingException":                 throttle | busy,
		"KMS.AccessDeniedException":               denied,
		"ReceiptHandleIsInvalid":                  0,
		"InvalidGroupId.Malformed":                0,
		"RequestLimitExceeded":                    throttle | busy,
		"Throttling":                              throttle | busy,
		"ThrottlingException":                     throttle | busy,
		"Throttled":                               throttle | busy,
		"PriorRequestNotComplete":                 busy,
		"DependencyViolation":                     busy,
		"ResourceInUse":                           busy,
		"OperationInProgress":                     busy,
		"Unavailable":                             busy,
		"InvalidGroup.InUse":                      busy,
		"ConcurrentTagAccess":                     busy,
		"UnauthorizedOperation":                   denied,
		"AccessDenied":                            denied,
		"AccessDeniedException":                   denied,
		"AuthorizationError":                      denied,
		"AuthFailure":                             denied,
		"InvalidClientTokenId":                    denied,
		"SignatureDoesNotMatch":                   denied,
		"ExpiredToken":                            expired,
		"ExpiredTokenException":                   expired,
		"RequestExpired":                          expired,
		"InvalidParameter":                        0,
		"VpcEndpointLimitExceeded":                0,
		"InvalidPermission.Duplicate":             0,
		"ExistingVpcEndpointConnections":          0,
		"OperationNotPermitted":                   0,
	} {
		err := fmt.Errorf("creating: %w", &smithy.GenericAPIError{Code: code})
		got := 0
		for class, is := range map[int]bool{
			notFound: IsNotFound(err), throttle: IsThrottle(err), denied: IsDenied(err), expired: IsExpired(err), busy: IsBusy(err),
		} {
			if is {
				got |= class
			}
		}
		if got != want || Code(err) != code {
			t.Errorf("%s is %05b (code %q), want %05b", code, got, Code(err), want)
		}
	}
	for _, err := range []error{nil, errors.New("something else")} {
		if Code(err) != "" || IsNotFound(err) || IsThrottle(err) || IsDenied(err) || IsExpired(err) || IsBusy(err) {
			t.Errorf("%v has a class", err)
		}
	}
}

func TestMark(t *testing.T) {
	passes := &smithy.GenericAPIError{Code: "DependencyViolation"}
	if marked, ok := errors.AsType[applier.Busy](Mark(passes)); !ok || marked.Err != error(passes) {
		t.Errorf("Mark of what passes = %#v", Mark(passes))
	}
	if stays := error(&smithy.GenericAPIError{Code: "InvalidParameter"}); Mark(stays) != stays {
		t.Errorf("Mark of what stays = %#v", Mark(stays))
	}
	if Mark(nil) != nil {
		t.Error("Mark(nil) is not nil")
	}
}

func TestUnsuccessful(t *testing.T) {
	item := func(id, code, message string) types.UnsuccessfulItem {
		return types.UnsuccessfulItem{ResourceId: &id, Error: &types.UnsuccessfulItemError{Code: &code, Message: &message}}
	}
	for _, test := range []struct {
		name       string
		items      []types.UnsuccessfulItem
		code, text string
	}{
		{"none", nil, "", ""},
		{"empty", []types.UnsuccessfulItem{{ResourceId: aws.String("vpce-1")}}, "", ""},
		{"one", []types.UnsuccessfulItem{item("vpce-1", "InvalidVpcEndpointId.NotFound", "The Vpc Endpoint Id 'vpce-1' does not exist.")},
			"InvalidVpcEndpointId.NotFound", "vpce-1: The Vpc Endpoint Id 'vpce-1' does not exist (InvalidVpcEndpointId.NotFound)"},
		{"the worse first", []types.UnsuccessfulItem{item("vpce-1", "InvalidVpcEndpointId.NotFound", "gone"), item("vpce-2", "OperationInProgress", "")},
			"OperationInProgress", "vpce-2: OperationInProgress; vpce-1: gone (InvalidVpcEndpointId.NotFound)"},
	} {
		err := Unsuccessful(test.items)
		text := ""
		if err != nil {
			text = err.Error()
		}
		if Code(err) != test.code || text != test.text || Explain(err) != text {
			t.Errorf("%s: %s, code %s, explained %s\nwant %s, code %s", test.name, text, Code(err), Explain(err), test.text, test.code)
		}
	}
}
