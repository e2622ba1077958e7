using Coach.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Rules.Tests.Snippets;

internal static class TestingSnippets
{
    public static async Task ProviderAsync(IServiceCollection services)
    {
        #region provider
        await using ProviderFake fake = await ProviderFake.StartAsync();
        fake.SetKey("gemini", "key-of-anna");
        fake.Answer("gemini", ScriptedAnswer.Text("The library opens at nine."));
        fake.Fail("gemini", ProviderFault.Status(503)); // the first request; the second gets the answer

        services.AddCoachLlm(options => options.Gemini.BaseUrl = fake.BaseUrl("gemini"));
        #endregion
    }

    public static void Request(ProviderFake fake)
    {
        #region request
        ProviderRequest request = fake.Requests[0];
        Assert.Equal("key-of-anna", request.Key);
        Assert.Equal(KeyLocation.KeyHeader, request.KeyLocation); // in the header, and nowhere else
        #endregion
    }

    public static async Task ClockAsync()
    {
        #region clock
        var clock = new VirtualClock();
        Task nap = Task.Delay(TimeSpan.FromHours(8), clock);
        clock.Advance(TimeSpan.FromHours(8)); // takes no time
        await nap;
        #endregion
    }
}
