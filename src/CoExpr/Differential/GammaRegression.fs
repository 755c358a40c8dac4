namespace CoExpr

open System

/// Regression of gamma-distributed values on one variable, with their mean a + b x (McCullagh and Nelder 1989).
[<RequireQualifiedAccess>]
module internal GammaRegression =

    /// One step of iteratively reweighted least squares for gamma values with mean a + b x: weights 1 / mean².
    let private step (x: float[]) (y: float[]) struct (a: float, b: float) =
        let mutable s, sx, sxx, sy, sxy = 0.0, 0.0, 0.0, 0.0, 0.0

        for at in 0 .. x.Length - 1 do
            let fitted = a + b * x[at]
            let w = 1.0 / (fitted * fitted)
            s <- s + w
            sx <- sx + w * x[at]
            sxx <- sxx + w * x[at] * x[at]
            sy <- sy + w * y[at]
            sxy <- sxy + w * x[at] * y[at]

        let det = s * sxx - sx * sx
        struct ((sxx * sy - sx * sxy) / det, (s * sxy - sx * sy) / det)

    let private devianceOf (x: float[]) (y: float[]) struct (a: float, b: float) =
        let mutable sum = 0.0

        for at in 0 .. x.Length - 1 do
            let fitted = a + b * x[at]

            sum <-
                sum
                + (if fitted > 0.0 then
                       (y[at] - fitted) / fitted - log (y[at] / fitted)
                   else
                       infinity)

        2.0 * sum

    /// The gamma regression of y on a + b x with identity link, steps halved while a fitted mean is not above 0; None where
    /// it does not converge in 25 steps.
    let fit x y start =
        let mutable at = start
        let mutable deviance = devianceOf x y at
        let mutable steps = 0
        let mutable converged = false
        let mutable running = true

        while running do
            let struct (a, b) = at
            let struct (nextA, nextB) = step x y at
            let mutable next = struct (nextA, nextB)
            let mutable reached = devianceOf x y next
            let mutable halvings = 0

            while not (Double.IsFinite reached) && halvings < 25 do
                let struct (c, d) = next
                next <- struct (0.5 * (a + c), 0.5 * (b + d))
                reached <- devianceOf x y next
                halvings <- halvings + 1

            steps <- steps + 1
            // Tighter than the 1e-8 of R's glm, so that where it stops does not show.
            converged <- abs (reached - deviance) / (abs reached + 0.1) < 1e-12
            running <- Double.IsFinite reached && not converged && steps < 100
            at <- next
            deviance <- reached

        if converged then Some at else None
