using System;

namespace CoExpr.Gpu;

/// <summary>An OpenCL function answered with an error.</summary>
sealed class OpenClException(string function, int status, string detail = "")
    : Exception($"{function} answered {OpenClStatus.Name(status)}" + (detail == "" ? "" : ": " + detail))
{
    /// <summary>Whether less work at once may help.</summary>
    internal bool IsShortage => OpenClStatus.IsShortage(status);
}
