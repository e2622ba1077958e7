using Coach.Abstractions;
using Coach.AspNetCore.Http;

namespace Coach.AspNetCore.Tests.Http;

public sealed class ProblemPagesTests
{
    public static TheoryData<string> Codes => [.. ErrorCodes.All];

    [Theory]
    [MemberData(nameof(Codes))]
    public void Has_EveryCode_IsExplained(string code) => Assert.True(ProblemPages.Has(code), code);
}
