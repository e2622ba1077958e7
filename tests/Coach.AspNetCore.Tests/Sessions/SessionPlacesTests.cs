using System.Net;
using Coach.Abstractions;
using Coach.AspNetCore.Sessions;
using Coach.Llm;
using Coach.Testing;
using Microsoft.Extensions.Options;

namespace Coach.AspNetCore.Tests.Sessions;

public sealed class SessionPlacesTests
{
    private static readonly IPAddress Here = IPAddress.Parse("192.0.2.1");
    private static readonly IPAddress There = IPAddress.Parse("192.0.2.2");

    private readonly VirtualClock _clock = new();

    [Fact]
    public async Task Places_OfOneAddressWithOneKey_LeaveRoomForOthers()
    {
        SessionPlaces places = Create(maxSessions: 8); // a share is 2
        Assert.True(await EnterAsync(places, "a1", Here, "key"));
        Assert.True(await EnterAsync(places, "a2", Here, "key"));
        Assert.False(await EnterAsync(places, "a3", Here, "key"));
        Assert.False(await EnterAsync(places, "a4", Here, "other key")); // the address
        Assert.False(await EnterAsync(places, "a5", There, "key")); // the key
        Assert.True(await EnterAsync(places, "b1", There, "key of b"));
    }

    [Fact]
    public async Task Session_WithAPlace_KeepsItForItsOtherKeys()
    {
        SessionPlaces places = Create(maxSessions: 4);
        Assert.True(await EnterAsync(places, "one", Here, "first"));
        Assert.True(await EnterAsync(places, "one", Here, "second"));
        Assert.True(await EnterAsync(places, "one", There, "first"));
        Assert.False(await EnterAsync(places, "two", There, "second"));
    }

    [Fact]
    public async Task Place_NotUsedForAWhile_MakesRoomAndOneInUseDoesNot()
    {
        SessionPlaces places = Create(maxSessions: 8);
        await EnterAsync(places, "old", Here, "key");
        await EnterAsync(places, "used", Here, "key");
        _clock.Advance(SessionPlaces.Idle - TimeSpan.FromTicks(1));
        await places.UseAsync(SessionId.From("used"));
        Assert.False(await EnterAsync(places, "new", Here, "key"));
        _clock.Advance(TimeSpan.FromTicks(1));
        Assert.Equal(
            new SessionPlaceDecision(true, SessionId.From("old")),
            await places.TryEnterAsync(SessionId.From("new"), Here, "key"));
        Assert.False(await EnterAsync(places, "newer", Here, "key"));
    }

    [Fact]
    public async Task Place_OfASessionThatEnds_IsFree()
    {
        SessionPlaces places = Create(maxSessions: 4);
        await EnterAsync(places, "one", Here, "key");
        Assert.False(await EnterAsync(places, "two", Here, "key"));
        await places.RemoveAsync(SessionId.From("one"));
        Assert.True(await EnterAsync(places, "two", Here, "key"));
    }

    [Fact]
    public async Task Places_AllTaken_AreNotMoreThanTheHostHas()
    {
        SessionPlaces places = Create(maxSessions: 4);
        for (int i = 0; i < 4; i++)
        {
            Assert.True(await EnterAsync(places, $"s{i}", IPAddress.Parse($"192.0.2.{i}"), $"key {i}"));
        }

        Assert.False(await EnterAsync(places, "s5", IPAddress.Parse("192.0.2.99"), "key 99"));
    }

    private static async Task<bool> EnterAsync(SessionPlaces places, string session, IPAddress address, string key) =>
        (await places.TryEnterAsync(SessionId.From(session), address, key)).IsGranted;

    private SessionPlaces Create(int maxSessions)
    {
        var llm = new CoachLlmOptions();
        llm.Sessions.MaxSessions = maxSessions;
        return new SessionPlaces(
            Options.Create(llm), Options.Create(new CoachSessionOptions { Share = 0.25 }),
            new MemorySessionPlaceStore(_clock));
    }
}
