namespace CoExpr

open System
open CoExpr.Kernels

/// Compares one gene's groups with the control in the presence of covariates. One serves one thread.
///
/// All groups and covariates are fitted together. A likelihood ratio or score supposes the difference of two intercepts
/// and fits everything else under it; where that changes the other groups little it is done to second order (see
/// `CovariateNull`), with an error of at most a thousandth of the likelihood that is lost. Groups without counts are as in
/// `FoldTester`, the slopes being those of the others.
[<Sealed>]
type internal CovariateTester
    (units: CovariateUnits, control: int, test: NegativeBinomialTest, hypothesis: FoldHypothesis) =
    let fit = CovariateFit units
    let nulls = CovariateNull(units, fit)
    let best = CovariateCoefficients(units.Groups, units.Columns)
    let information, under = CovariateInformation units, CovariateInformation units
    let sums = GroupSums units.Columns
    let mutable dispersion = nan
    let mutable known = nan
    let mutable quasi = 1.0
    let mutable isSolved = false

    let isKnown () = not (Double.IsNaN known)

    let fixedGroup () = if isKnown () then control else -1

    let isAbsent group =
        CovariateUnits.IsAbsent best.Intercepts[group]

    /// Rao's score of the difference at the fit under the hypothesis, over its standard deviation there.
    let score group =
        let at = nulls.Found
        units.Newton(group, dispersion, at.Intercepts[group], ReadOnlySpan at.Slopes, sums)
        units.Hold(ReadOnlySpan at.Intercepts, ReadOnlySpan at.Slopes)
        under.Load(at, dispersion, fixedGroup ())
        sums.Score * sqrt (under.Variance(group, control))

    let statistic group (struct (logFold, error): struct (float * float)) shift =
        let difference () =
            best.Intercepts[group] - best.Intercepts[control] - shift

        match test with
        | NegativeBinomialTest.Wald -> (logFold - shift) / error
        | NegativeBinomialTest.Score ->
            let lost = nulls.Lost(group, shift, true)
            if Double.IsNaN lost.LogRatio then nan else score group
        | _ ->
            let lost = nulls.Lost(group, shift, false)
            FoldHypothesis.signed (difference ()) (sqrt (2.0 * lost.LogRatio / quasi))

    let penalised group =
        let at =
            CovariateFirth.Intercept(units, group, dispersion, ReadOnlySpan best.Slopes)

        let found = units.Intercept(group, dispersion, at, ReadOnlySpan best.Slopes)

        struct (at, 1.0 / found.Expected)

    /// Log-fold change and standard error.
    let fold group =
        if isAbsent group || isAbsent control then
            let struct (own, variance) = penalised group

            let struct (reference, others) =
                if isKnown () then
                    struct (known, 0.0)
                else
                    penalised control

            struct (FoldTest.penalised (isAbsent group) own reference, sqrt (variance + others))
        else
            struct (best.Intercepts[group] - best.Intercepts[control], sqrt (information.Variance(group, control)))

    /// Fits the gene that the units were loaded with. `intercept` is the control's where it is known, else NaN; `start`
    /// is where to start from, if there is anything better than groups alone.
    member _.Fit(alpha: float, quasiDispersion: float, intercept: float, start: CovariateCoefficients) =
        dispersion <- max alpha GroupFit.LeastDispersion
        quasi <- quasiDispersion
        known <- intercept

        if isNull start then
            CovariateFit.Start(units, best)
        else
            best.Take start

        if isKnown () then
            best.Intercepts[control] <- known

        isSolved <-
            not (Double.IsNaN dispersion)
            && fit.Solve(best, dispersion, TiedIntercept.Free(fixedGroup ()))

        if isSolved then
            units.Hold(ReadOnlySpan best.Intercepts, ReadOnlySpan best.Slopes)
            information.Load(best, dispersion, fixedGroup ())

            if test <> NegativeBinomialTest.Wald then
                nulls.Load(best, dispersion, control, isKnown ())

    /// e^β of a group: the mean count in a cell of size factor 1 with average covariates.
    member _.Mean group =
        if units.Total group = 0.0 then 0.0
        elif isSolved then exp best.Intercepts[group]
        else nan

    /// Compares a group with the control.
    member _.Compare group : FoldTest =
        if units.Total group = 0.0 && units.Total control = 0.0 then
            FoldTest.allZero
        elif not isSolved then
            FoldTest.unsolved nan nan
        else
            let isZero, isControlZero = isAbsent group, isAbsent control
            let struct (logFold, error) = fold group
            let side = FoldTest.ofMaximum test isZero isControlZero logFold

            FoldHypothesis.statistic hypothesis side (statistic group (struct (logFold, error)))
            |> FoldTest.create (FoldTest.status isZero isControlZero) (struct (logFold, error))
