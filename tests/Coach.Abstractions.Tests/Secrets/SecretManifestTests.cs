namespace Coach.Abstractions.Tests.Secrets;

public sealed class SecretManifestTests
{
    [Fact]
    public void Require_AfterOptional_MakesItRequiredOnce()
    {
        SecretManifest manifest = new SecretManifest().Optional("A_KEY").Require("A_KEY", "B_KEY").Optional("B_KEY");
        Assert.Equal([new SecretEntry("A_KEY", true), new SecretEntry("B_KEY", true)], manifest.Entries);
    }

    [Theory]
    [InlineData("lower")]
    [InlineData("A KEY")]
    [InlineData("../A")]
    [InlineData("")]
    public void Require_NotAName_Throws(string name) => Assert.ThrowsAny<ArgumentException>(() => new SecretManifest().Require(name));

    [Fact]
    public void Alias_OfAnUndeclaredSecret_Throws() =>
        Assert.Contains("'A_KEY' is not declared", Assert.Throws<ArgumentException>(() => new SecretManifest().Alias("A_KEY", "B_KEY")).Message);

    [Fact]
    public void Group_MarksTheNamesThatLieInOneSecret()
    {
        SecretManifest manifest = new SecretManifest()
            .Require("REGISTRY_USERNAME", "REGISTRY_PASSWORD").Optional("OTHER")
            .Group("REGISTRY_AUTH", "REGISTRY_USERNAME", "REGISTRY_PASSWORD");

        Assert.Equal(["REGISTRY_AUTH", "REGISTRY_AUTH", null], manifest.Entries.Select(entry => entry.Group));
        Assert.Throws<ArgumentException>(() => manifest.Group("REGISTRY_AUTH", "UNDECLARED"));
        Assert.Throws<ArgumentException>(() => manifest.Group("no name", "OTHER"));
    }
}
