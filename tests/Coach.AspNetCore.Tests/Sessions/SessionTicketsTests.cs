using Coach.Abstractions;
using Coach.AspNetCore.Sessions;
using Coach.Testing;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.Options;

namespace Coach.AspNetCore.Tests.Sessions;

public sealed class SessionTicketsTests
{
    private readonly VirtualClock _clock = new();
    private readonly EphemeralDataProtectionProvider _ring = new();

    [Fact]
    public void TryRead_UntilTheAbsoluteLifetime_FindsTheSession()
    {
        SessionTickets tickets = Create(o => o.AbsoluteLifetime = TimeSpan.FromMinutes(5));
        (SessionId id, string cookie) = tickets.Issue();
        _clock.Advance(TimeSpan.FromMinutes(4));
        Assert.True(tickets.TryRead(cookie, out SessionId read, out DateTimeOffset expires));
        Assert.Equal(id, read);
        Assert.Equal(TimeSpan.FromMinutes(1), expires - _clock.GetUtcNow());
        _clock.Advance(TimeSpan.FromMinutes(1));
        Assert.False(tickets.TryRead(cookie, out _, out _));
    }

    [Fact]
    public void TryRead_CookieOfAnotherApplication_FindsNone()
    {
        (_, string cookie) = Create(o => o.ApplicationName = "one").Issue();
        Assert.False(Create(o => o.ApplicationName = "two").TryRead(cookie, out _, out _));
        Assert.True(Create(o => o.ApplicationName = "one").TryRead(cookie, out _, out _));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("no base64url!")]
    [InlineData("AAAA")]
    public void TryRead_MadeUpValue_FindsNone(string? cookie) => Assert.False(Create().TryRead(cookie, out _, out _));

    [Fact]
    public void TryRead_HugeValue_IsNotOpened() => Assert.False(Create().TryRead(new string('A', 513), out _, out _));

    private SessionTickets Create(Action<CoachSessionOptions>? configure = null)
    {
        var options = new CoachSessionOptions();
        configure?.Invoke(options);
        return new SessionTickets(_ring, Options.Create(options), _clock);
    }
}
