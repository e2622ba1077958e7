using Coach.Redis.Connections;

namespace Coach.Redis.Tests;

public sealed class RedisKeysTests
{
    [Theory]
    [InlineData("address:203.0.113.7")]
    [InlineData("session:{x}\r\nFLUSHALL")]
    [InlineData("ключ ☕")]
    public void Names_OfWhatPeopleChoose_AreHashes(string partition)
    {
        string key = new RedisKeys("coach").Bucket(partition);
        Assert.Matches("^coach:limit:\\{[0-9a-f]{32}\\}$", key);
        Assert.NotEqual(key, new RedisKeys("coach").Bucket(partition + "2"));
    }

    [Fact]
    public void Names_OfOneConversation_ShareAHashTag()
    {
        var keys = new RedisKeys("coach");
        string[] all =
        [
            keys.Conversation("caller", "messages", "c:~.1"), keys.Conversation("caller", "sizes", "c:~.1"),
            keys.Conversation("caller", "about", "c:~.1"), keys.Conversations("caller"),
        ];
        Assert.Equal(4, all.Distinct().Count());
        Assert.All(all, key => Assert.Equal(
            "caller", key[(key.IndexOf('{', StringComparison.Ordinal) + 1)..key.IndexOf('}', StringComparison.Ordinal)]));
    }

    [Fact]
    public void Names_OfOneDecision_ShareAHashTag()
    {
        var keys = new RedisKeys("coach");
        string[][] decisions =
        [
            [keys.Rest("circuits:gemini", "a"), keys.Rest("circuits:gemini", "b")],
            [
                keys.SessionsUsed, keys.SessionsWho, keys.SessionsOf("network", "203.0.113.7"),
                keys.SessionsOf("key", "0123456789abcdef"),
            ],
        ];
        foreach (string[] all in decisions)
        {
            Assert.Equal(all.Length, all.Distinct().Count());
            Assert.Single(all.Select(TagOf).Distinct());
            Assert.All(all, key => Assert.DoesNotContain("203", key, StringComparison.Ordinal));
        }
    }

    private static string TagOf(string key)
    {
        int end = key.IndexOf('}', StringComparison.Ordinal) + 1;
        return key[key.IndexOf('{', StringComparison.Ordinal)..end];
    }
}
