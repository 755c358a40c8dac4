namespace CoExpr

/// Information with logarithms to base 2. C# sees a plain double.
[<Measure>]
type bit

/// Information with natural logarithms. C# sees a plain double.
[<Measure>]
type nat

[<RequireQualifiedAccess>]
module Information =
    /// 1 nat = 1 / ln 2 bits.
    let toBits (information: float<nat>) : float<bit> =
        information / System.Math.Log 2.0 * 1.0<bit / nat>

    /// 1 bit = ln 2 nats.
    let toNats (information: float<bit>) : float<nat> =
        information * System.Math.Log 2.0 * 1.0<nat / bit>
