using System.Security.Cryptography;
using Coach.AspNetCore.Sessions;
using Coach.Testing;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.WebUtilities;
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
        SessionTicket issued = tickets.Issue();
        _clock.Advance(TimeSpan.FromMinutes(4));
        Assert.Equal(issued, tickets.TryRead(issued.CookieValue));
        Assert.Equal(TimeSpan.FromMinutes(1), issued.Expires - _clock.GetUtcNow());
        _clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Null(tickets.TryRead(issued.CookieValue));
    }

    [Fact]
    public void TryRead_CookieOfAnotherApplication_FindsNone()
    {
        string cookie = Create(o => o.ApplicationName = "one").Issue().CookieValue;
        Assert.Null(Create(o => o.ApplicationName = "two").TryRead(cookie));
        Assert.NotNull(Create(o => o.ApplicationName = "one").TryRead(cookie));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("no base64url!")]
    [InlineData("AAAA")]
    public void TryRead_MadeUpValue_FindsNone(string? cookie) => Assert.Null(Create().TryRead(cookie));

    [Fact]
    public void TryRead_HugeValue_IsNotOpened() => Assert.Null(Create().TryRead(new string('A', 513)));

    [Fact]
    public void Renew_OfATicket_IsAnotherOfTheSameSessionThatLivesNoLonger()
    {
        SessionTickets tickets = Create(o => o.AbsoluteLifetime = TimeSpan.FromMinutes(5));
        SessionTicket first = tickets.Issue();
        _clock.Advance(TimeSpan.FromMinutes(4));
        SessionTicket second = tickets.Renew(first);
        Assert.Equal((first.Session, first.Expires), (second.Session, second.Expires));
        Assert.NotEqual(first.Id, second.Id);
        Assert.NotEqual(first.CookieValue, second.CookieValue);
        Assert.Equal(second, tickets.TryRead(second.CookieValue));
        _clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Null(tickets.TryRead(second.CookieValue));
    }

    [Fact]
    public void TryRead_TicketOfVersion010_FindsTheSessionThatItNamed()
    {
        // 16 random bytes and the time, under the same purpose; the handle was the hash's first half.
        byte[] random = RandomNumberGenerator.GetBytes(16);
        byte[] old = [.. random, .. BitConverter.GetBytes(_clock.GetUtcNow().ToUnixTimeSeconds())];
        string cookie = WebEncoders.Base64UrlEncode(
            _ring.CreateProtector("Coach.Session.v1", "coach").Protect(old));
        SessionTicket? read = Create().TryRead(cookie);
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(random).AsSpan(0, 16)), read?.Session.Value);
        Assert.Equal(read!.Session, Create().Renew(read).Session);
    }

    private SessionTickets Create(Action<CoachSessionOptions>? configure = null)
    {
        var options = new CoachSessionOptions();
        configure?.Invoke(options);
        return new SessionTickets(_ring, Options.Create(options), _clock);
    }
}
