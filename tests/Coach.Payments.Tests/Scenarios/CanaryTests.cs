using Coach.Testing;
using Microsoft.Extensions.Logging.Testing;

namespace Coach.Payments.Tests.Scenarios;

/// <summary>No key, secret or card number travels on, whatever a server repeats.</summary>
public sealed class CanaryTests
{
    [Theory]
    [InlineData("sk_test_abc-CANARY")]
    [InlineData("canary-key-of-a-proxy-CANARY")]
    public async Task Canary_AKeyOfAnyShapeThatTheServerRepeats_IsMasked(string key)
    {
        using var host = new PaymentHost(key: key, configure: options => options.MaxRetries = 0);
        host.Fake.Inject(
            StripeFault.Status(400) with { Message = $"Invalid request by {key}.", Code = key, ErrorType = key },
            "POST", "/v1/prices");
        PaymentException exception = await host.FailsAsync(PaymentHost.Order());
        Assert.Contains("Invalid request by ***.", exception.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(
            "CANARY", exception.ToString() + exception.ProviderCode + exception.Parameter + exception.RequestId,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Canary_NoKeySecretClientSecretOrCardNumber_InAnyLogOrMessage()
    {
        const string key = "sk_test_CANARYcanary0123456789";
        const string echo = "Invalid: sk_test_CANARYcanary0123456789 rk_live_abc whsec_coach_testing "
            + "pi_3Abc_secret_Def 4242 4242 4242 4242 4242424242424242";
        FakeLogCollector logs = TestLogs.New();
        var said = new List<string>();
        StripeFault[] faults =
        [
            .. new[] { 400, 401, 402, 403, 404, 409, 429, 500, 503 }
                .Select(status => StripeFault.Status(status) with { Message = echo, Code = key, ErrorType = key }),
            .. Enum.GetValues<StripeFaultKind>().Where(kind => kind != StripeFaultKind.None)
                .Select(kind => new StripeFault(kind) { Message = echo }),
        ];
        for (int i = 0; i < faults.Length; i++)
        {
            foreach (string path in new[] { "/v1/balance", "/v1/prices", "/v1/payment_links", "/v1/checkout/sessions" })
            {
                using var host = new PaymentHost(key: key, logs: logs, configure: options => options.MaxRetries = 1);
                host.Fake.Inject(faults[i], null, path, times: 9);
                try
                {
                    PaymentLink link = await host.CreateAsync();
                    said.Add(link.ToString());
                    said.Add((await host.RunAsync(host.Links.GetStatusAsync(link.Id))).ToString());
                    said.Add((await host.RunAsync(host.Links.DeactivateAsync(link.Id))).ToString());
                }
                catch (PaymentException exception)
                {
                    said.Add(exception.ToString() + exception.ProviderCode + exception.Parameter + exception.RequestId);
                }

                said.Add((await host.RunAsync(host.Health.CheckAsync().AsTask())).Description);
                said.AddRange(host.Fake.Requests.Select(request => request.Path + request.Query + request.Body));
                said.AddRange((await host.Store.ListUnsettledAsync(10)).Select(record => record.ToString()));
            }
        }

        string all = string.Join('\n', said.Concat(logs.Everything()));
        Assert.True(logs.Count > 100);
        foreach (string secret in new[] { key, "CANARY", "rk_live_abc", "whsec_", "_secret_", "4242" })
        {
            Assert.DoesNotContain(secret, all, StringComparison.Ordinal);
        }
    }
}
