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
    public void Places_OfOneAddressWithOneKey_LeaveRoomForOthers()
    {
        SessionPlaces places = Create(maxSessions: 8); // a share is 2
        Assert.True(Enter(places, "a1", Here, "key"));
        Assert.True(Enter(places, "a2", Here, "key"));
        Assert.False(Enter(places, "a3", Here, "key"));
        Assert.False(Enter(places, "a4", Here, "other key")); // the address
        Assert.False(Enter(places, "a5", There, "key")); // the key
        Assert.True(Enter(places, "b1", There, "key of b"));
    }

    [Fact]
    public void Session_WithAPlace_KeepsItForItsOtherKeys()
    {
        SessionPlaces places = Create(maxSessions: 4);
        Assert.True(Enter(places, "one", Here, "first"));
        Assert.True(Enter(places, "one", Here, "second"));
        Assert.True(Enter(places, "one", There, "first"));
        Assert.False(Enter(places, "two", There, "second"));
    }

    [Fact]
    public void Place_NotUsedForAWhile_MakesRoomAndOneInUseDoesNot()
    {
        SessionPlaces places = Create(maxSessions: 8);
        Enter(places, "old", Here, "key");
        Enter(places, "used", Here, "key");
        _clock.Advance(SessionPlaces.Idle - TimeSpan.FromTicks(1));
        places.Use(SessionId.From("used"));
        Assert.False(places.TryEnter(SessionId.From("new"), Here, "key", out _));
        _clock.Advance(TimeSpan.FromTicks(1));
        Assert.True(places.TryEnter(SessionId.From("new"), Here, "key", out SessionId? idle));
        Assert.Equal(SessionId.From("old"), idle);
        Assert.False(places.TryEnter(SessionId.From("newer"), Here, "key", out _));
    }

    [Fact]
    public async Task Place_OfASessionThatEnds_IsFree()
    {
        SessionPlaces places = Create(maxSessions: 4);
        Enter(places, "one", Here, "key");
        Assert.False(Enter(places, "two", Here, "key"));
        await places.RemoveAsync(SessionId.From("one"));
        Assert.True(Enter(places, "two", Here, "key"));
    }

    [Fact]
    public void Places_AllTaken_AreNotMoreThanTheHostHas()
    {
        SessionPlaces places = Create(maxSessions: 4);
        for (int i = 0; i < 4; i++)
        {
            Assert.True(Enter(places, $"s{i}", IPAddress.Parse($"192.0.2.{i}"), $"key {i}"));
        }

        Assert.False(Enter(places, "s5", IPAddress.Parse("192.0.2.99"), "key 99"));
    }

    private static bool Enter(SessionPlaces places, string session, IPAddress address, string key) =>
        places.TryEnter(SessionId.From(session), address, key, out _);

    private SessionPlaces Create(int maxSessions)
    {
        var llm = new CoachLlmOptions();
        llm.Sessions.MaxSessions = maxSessions;
        return new SessionPlaces(Options.Create(llm), Options.Create(new CoachSessionOptions { Share = 0.25 }), _clock);
    }
}
